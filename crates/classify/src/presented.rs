//! Where a credential is presented rather than leaked: the places of a call that are made to carry one.

use std::ops::Range;

/// Headers whose purpose is to carry a credential to the host of the call, whoever issued it.
const CREDENTIAL_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"];

/// Further headers that carry a credential to the provider that issued it; so do all names that end like
/// [`PROVIDER_HEADER_ENDINGS`].
const PROVIDER_HEADERS: [&str; 4] = ["apikey", "x-apikey", "x-honeycomb-team", "x-sentry-auth"];

/// `private-token` (GitLab), `x-amz-security-token`, `x-goog-api-key`, `dd-application-key`.
const PROVIDER_HEADER_ENDINGS: [&str; 2] = ["-token", "-key"];

/// Query parameters made for credentials, in lower case.
const CREDENTIAL_PARAMETERS: [&str; 21] = [
    "access_key",
    "access_token",
    "accesskey",
    "api-key",
    "api_key",
    "apikey",
    "app_key",
    "application_key",
    "auth",
    "auth_token",
    "awsaccesskeyid",
    "client_secret",
    "key",
    "private_token",
    "refresh_token",
    "sig",
    "signature",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
];

/// Hosts under a provider's domain whose content or code is a customer's: whoever sends there sends to that customer.
const CUSTOMER_DOMAINS: [&str; 9] = [
    "githubusercontent.com",
    "core.windows.net",
    "cloudapp.azure.com",
    "compute.amazonaws.com",
    "elb.amazonaws.com",
    "digitaloceanspaces.com",
    "r2.cloudflarestorage.com",
    "myqcloud.com",
    "aliyuncs.com",
];

/// Labels after which an AWS host names a customer's bucket or API before them.
const CUSTOMER_LABELS: [&str; 3] = ["s3", "execute-api", "s3-website"];

/// Whether a header carries credentials to any host.
pub(crate) fn is_credential_header(name: &str) -> bool {
    CREDENTIAL_HEADERS.contains(&name)
}

/// Whether a header carries a provider's credentials to the provider.
pub(crate) fn is_provider_header(name: &str) -> bool {
    is_credential_header(name)
        || PROVIDER_HEADERS.contains(&name)
        || PROVIDER_HEADER_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether `host` is one of `patterns` (exact, or `*.suffix`) and answers for the provider rather than for a customer.
pub(crate) fn is_host_of(patterns: &[String], host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    patterns.iter().any(|pattern| covers(pattern, &host)) && !is_of_customer(&host)
}

fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(suffix) => host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')),
        None => host == pattern,
    }
}

fn is_of_customer(host: &str) -> bool {
    let is_below = |domain: &&str| host.strip_suffix(*domain).is_some_and(|rest| rest.ends_with('.'));
    let is_customer_label = |label: &str| {
        CUSTOMER_LABELS.contains(&label) || label.starts_with("s3-") || label.starts_with("oss-")
    };
    CUSTOMER_DOMAINS.iter().any(is_below) || host.split('.').skip(1).any(is_customer_label)
}

/// Whether all of `span` (bytes of `url`) is user information or the value of a query parameter made for credentials
/// (RFC 3986 §3.2.1 and §3.4).
pub(crate) fn is_credential_part(url: &str, span: &Range<usize>) -> bool {
    let authority_start = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(authority_start..).unwrap_or_default();
    let authority_len = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let userinfo_len = rest.get(..authority_len).and_then(|authority| authority.rfind('@'));
    if userinfo_len.is_some_and(|len| span.start >= authority_start && span.end <= authority_start + len) {
        return true;
    }
    let end = url.find('#').unwrap_or(url.len());
    let Some(query_start) = url.get(..end).and_then(|url| url.find('?')).map(|at| at + 1) else {
        return false;
    };
    if span.start < query_start || span.end > end {
        return false;
    }
    // The parameter in which the span starts; the span has to end in it.
    let before = url.get(query_start..span.start).unwrap_or_default();
    let parameter_start = before.rfind('&').map_or(query_start, |at| query_start + at + 1);
    let parameter = url.get(parameter_start..end).unwrap_or_default();
    let parameter = parameter.split('&').next().unwrap_or_default();
    let name = parameter.split('=').next().unwrap_or_default();
    span.start > parameter_start + name.len()
        && span.end <= parameter_start + parameter.len()
        && CREDENTIAL_PARAMETERS.contains(&name.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_covered_exactly_or_by_suffix_and_never_when_a_customers() {
        let is_own = |pattern: &str, host: &str| is_host_of(&[pattern.to_owned()], host);
        for (pattern, host) in [
            ("api.github.com", "API.github.com."),
            ("*.github.com", "api.github.com"),
            ("*.amazonaws.com", "sts.eu-west-1.amazonaws.com"),
            ("*.amazonaws.com", "s3.eu-west-1.amazonaws.com"),
        ] {
            assert!(is_own(pattern, host), "{pattern} {host}");
        }
        for (pattern, host) in [
            ("*.github.com", "github.com"),
            ("*.github.com", "evilgithub.com"),
            ("github.com", "github.com.evil.io"),
            ("*.amazonaws.com", "loot.s3.amazonaws.com"),
            ("*.amazonaws.com", "loot.s3-eu-west-1.amazonaws.com"),
            ("*.amazonaws.com", "loot.s3.eu-west-1.amazonaws.com"),
            ("*.amazonaws.com", "a1b2c3.execute-api.us-east-1.amazonaws.com"),
            ("*.githubusercontent.com", "raw.githubusercontent.com"),
            ("*.windows.net", "loot.blob.core.windows.net"),
        ] {
            assert!(!is_own(pattern, host), "{pattern} {host}");
        }
    }

    #[test]
    fn urls_carry_credentials_in_their_user_part_and_in_parameters_named_so() {
        let is_part = |url: &str| {
            let start = url.find("SECRET").unwrap();
            is_credential_part(url, &(start..start + 6))
        };
        for url in [
            "https://SECRET@api.x.io/",
            "https://u:SECRET@api.x.io/?q=a@b",
            "https://api.x.io/a?page=1&key=SECRET",
            "https://api.x.io/?Access_Token=SECRET#top",
        ] {
            assert!(is_part(url), "{url}");
        }
        for url in [
            "https://api.x.io/SECRET?key=1",
            "https://api.x.io/?text=SECRET&key=1",
            "https://api.x.io/#key=SECRET",
            "https://api.x.io/a@b/SECRET",
            "https://api.x.io/?SECRET=key",
            "SECRET",
        ] {
            assert!(!is_part(url), "{url}");
        }
    }
}
