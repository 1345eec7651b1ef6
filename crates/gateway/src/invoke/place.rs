//! Where an invoked tool is: as policies know it, and as it is reached.

use interven_http::{ApiError, ApiResult};
use interven_live::{Live, UPSTREAM_TOOLS};
use interven_types::{ScanRequest, TenantId};
use url::Url;

/// Public APIs beside those of the tool gateway, as their vendors document them.
const PUBLIC: [(&str, &str); 12] = [
    ("gitlab", "https://gitlab.com/api/v4/"),
    ("linear", "https://api.linear.app/"),
    ("pagerduty", "https://api.pagerduty.com/"),
    ("sendgrid", "https://api.sendgrid.com/"),
    ("twilio", "https://api.twilio.com/"),
    ("hubspot", "https://api.hubapi.com/"),
    ("notion", "https://api.notion.com/v1/"),
    ("asana", "https://app.asana.com/api/1.0/"),
    ("cloudflare", "https://api.cloudflare.com/client/v4/"),
    ("stripe", "https://api.stripe.com/"),
    ("openai", "https://api.openai.com/v1/"),
    ("anthropic", "https://api.anthropic.com/v1/"),
];

/// Names the tool of an invoked call in its record, so that it can be carried out after an approval.
const MARK: &str = "x-interven-invoked-tool";

/// A tool whose calls can be carried out.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its public address: what calls are judged as.
    public: Url,
    /// Where it is for this tenant.
    pub own: Url,
}

impl Place {
    /// Absent: nobody has said where the tool is.
    pub(super) async fn find(
        live: &Live,
        tenant: TenantId,
        env: &str,
        tool: &str,
    ) -> ApiResult<Option<Self>> {
        let built_in =
            UPSTREAM_TOOLS.iter().find(|known| known.name == tool).and_then(|known| known.base_url);
        let public = built_in.or_else(|| PUBLIC.iter().find(|(name, _)| *name == tool).map(|(_, url)| *url));
        let Some(public) = public.and_then(|url| Url::parse(url).ok()) else { return Ok(None) };
        let configured = live.tool_credential(tenant, env, tool, None).await?;
        let own = configured.map_or_else(|| public.clone(), |credential| credential.base_url);
        Ok(Some(Self { public, own }))
    }

    /// The public URL of a path below the tool; one that repeats the beginning of the tool's own path is not doubled.
    pub(super) fn public_url(&self, url_path: &str) -> ApiResult<String> {
        let invalid = |why: &str| ApiError::invalid_request(format!("`upstream_request.url_path` {why}"));
        let Some(below) = url_path.strip_prefix('/') else { return Err(invalid("must begin with `/`")) };
        let prefix = self.public.path().trim_start_matches('/');
        let below = below.strip_prefix(prefix).unwrap_or(below);
        let url =
            Url::parse(&format!("{}{below}", self.public)).map_err(|error| invalid(&error.to_string()))?;
        // Steps up are taken by now.
        if url.origin() != self.public.origin() || !url.path().starts_with(self.public.path()) {
            return Err(invalid("leads out of the tool"));
        }
        Ok(url.into())
    }

    /// Where a judged call goes.
    pub(super) fn own_url(&self, judged: &str) -> Option<Url> {
        let below = judged.strip_prefix(self.public.as_str())?;
        let url = Url::parse(&format!("{}{below}", self.own)).ok()?;
        (url.origin() == self.own.origin()).then_some(url)
    }
}

pub(super) fn mark(request: &mut ScanRequest, tool: &str) {
    request.headers.insert(MARK.to_owned(), tool.to_owned());
}

pub(super) fn marked(request: &ScanRequest) -> Option<&str> {
    request.headers.get(MARK).map(String::as_str)
}

/// Whether a header of the call is ours, and not to be sent on.
pub(super) fn is_mark(name: &str) -> bool {
    name == MARK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_tool() {
        let place = Place {
            public: Url::parse("https://slack.com/api/").unwrap(),
            own: Url::parse("https://slack.bank.example/proxy/api/").unwrap(),
        };
        for (path, judged, own) in [
            (
                "/chat.postMessage",
                "https://slack.com/api/chat.postMessage",
                "https://slack.bank.example/proxy/api/chat.postMessage",
            ),
            (
                "/api/chat.postMessage?a=b",
                "https://slack.com/api/chat.postMessage?a=b",
                "https://slack.bank.example/proxy/api/chat.postMessage?a=b",
            ),
            ("/a//b", "https://slack.com/api/a//b", "https://slack.bank.example/proxy/api/a//b"),
            (
                "/@evil.example",
                "https://slack.com/api/@evil.example",
                "https://slack.bank.example/proxy/api/@evil.example",
            ),
        ] {
            assert_eq!(place.public_url(path).unwrap(), judged);
            assert_eq!(place.own_url(judged).unwrap().as_str(), own);
        }
        for hostile in [
            "",
            "chat.postMessage",
            "@evil.example/",
            "https://evil.example/",
            "/../admin",
            "/%2e%2e/admin",
            "/..\\admin",
        ] {
            assert!(place.public_url(hostile).is_err(), "{hostile}");
        }
        assert!(place.own_url("https://evil.example/api/x").is_none());
    }

    #[test]
    fn every_public_address_is_a_base() {
        for (tool, url) in PUBLIC {
            let parsed = Url::parse(url).unwrap();
            assert!(parsed.as_str() == url && url.ends_with('/') && parsed.scheme() == "https", "{tool}");
        }
    }
}
