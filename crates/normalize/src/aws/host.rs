//! What the host of an AWS endpoint says (<https://docs.aws.amazon.com/general/latest/gr/rande.html>).

/// Service, region and, for S3, bucket of an endpoint.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    /// Snake case.
    pub(super) service: String,
    pub(super) region: Option<String>,
    /// Of virtual-host style: `bucket.s3.region.amazonaws.com`.
    pub(super) bucket: Option<String>,
    pub(super) account: Option<String>,
}

/// Labels of global endpoints that say where, not what: `iam.us-gov.amazonaws.com`, `iam.global.api.aws`.
const PARTITIONS: [&str; 2] = ["us-gov", "global"];

const SUFFIXES: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];

impl Endpoint {
    pub(super) fn of(host: &str) -> Self {
        let name = SUFFIXES.iter().find_map(|suffix| host.strip_suffix(suffix)).unwrap_or(host);
        let labels: Vec<&str> = name.split('.').filter(|label| *label != "dualstack").collect();
        let region = labels.iter().rev().find(|label| is_region(label)).map(|region| (*region).to_owned());
        if let Some(s3) = labels.iter().rposition(|label| is_s3(label)) {
            let label = labels.get(s3).copied().unwrap_or_default();
            let bucket = labels.get(..s3).unwrap_or_default().join(".");
            let in_label = label.rsplit_once("s3-").map(|(_, rest)| rest.trim_start_matches("website-"));
            return Self {
                service: "s3".to_owned(),
                region: region.or_else(|| in_label.filter(|r| is_region(r)).map(str::to_owned)),
                bucket: Some(bucket).filter(|bucket| !bucket.is_empty()),
                account: None,
            };
        }
        let is_service = |label: &&str| !is_region(label) && !PARTITIONS.contains(label);
        let services: Vec<&str> = labels.iter().copied().filter(is_service).collect();
        let service = services.last().copied().unwrap_or("aws");
        // FIPS endpoints are the same service (https://aws.amazon.com/compliance/fips/).
        let service = service.strip_suffix("-fips").unwrap_or(service);
        let is_account = |label: &&str| label.len() == 12 && label.bytes().all(|c| c.is_ascii_digit());
        Self {
            service: service.replace('-', "_"),
            region,
            bucket: None,
            account: services.first().copied().filter(is_account).map(str::to_owned),
        }
    }
}

fn is_s3(label: &str) -> bool {
    label == "s3" || (label.starts_with("s3-") && label != "s3-control" && label != "s3-outposts")
}

/// `us-east-1`, `us-gov-west-1`, `cn-north-1`.
pub(super) fn is_region(label: &str) -> bool {
    let mut parts = label.split('-');
    parts.next().is_some_and(|first| first.len() == 2 && first.bytes().all(|c| c.is_ascii_lowercase()))
        && parts.clone().count() >= 2
        && parts.next_back().is_some_and(|last| {
            !last.is_empty() && last.len() <= 2 && last.bytes().all(|c| c.is_ascii_digit())
        })
        && parts.all(|middle| !middle.is_empty() && middle.bytes().all(|c| c.is_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_say_service_region_and_bucket() {
        let table = [
            ("iam.amazonaws.com", "iam", None, None),
            ("iam.us-gov.amazonaws.com", "iam", None, None),
            ("iam-fips.amazonaws.com", "iam", None, None),
            ("iam.global.api.aws", "iam", None, None),
            ("kms-fips.us-east-1.amazonaws.com", "kms", Some("us-east-1"), None),
            ("ec2.us-east-1.amazonaws.com", "ec2", Some("us-east-1"), None),
            ("s3.amazonaws.com", "s3", None, None),
            ("s3.dualstack.eu-west-1.amazonaws.com", "s3", Some("eu-west-1"), None),
            ("s3-eu-west-1.amazonaws.com", "s3", Some("eu-west-1"), None),
            ("my.bucket.s3.eu-west-1.amazonaws.com", "s3", Some("eu-west-1"), Some("my.bucket")),
            ("b.s3-accelerate.amazonaws.com", "s3", None, Some("b")),
            ("api.ecr.us-east-1.amazonaws.com", "ecr", Some("us-east-1"), None),
            ("bedrock-runtime.us-gov-west-1.amazonaws.com", "bedrock_runtime", Some("us-gov-west-1"), None),
            ("sts.cn-north-1.amazonaws.com.cn", "sts", Some("cn-north-1"), None),
        ];
        for (host, service, region, bucket) in table {
            let found = Endpoint::of(host);
            assert_eq!(
                (found.service.as_str(), found.region.as_deref(), found.bucket.as_deref()),
                (service, region, bucket),
                "{host}"
            );
        }
        assert_eq!(
            Endpoint::of("123456789012.s3-control.us-east-1.amazonaws.com").account.as_deref(),
            Some("123456789012")
        );
    }
}
