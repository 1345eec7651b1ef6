//! What a start prints on the standard output.

use super::first_start::Finished;
use crate::installation::DataDir;
use interven_types::{ApiKey, Secret};

/// What became of the first secrets at this start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Made now: shown once.
    First,
    /// Made again, because `bootstrap.json` was missing.
    Renewed,
    /// Made at an earlier start.
    Later,
}

/// The text of the banner. `sample` is a key of a cloud that exists nowhere, for the call to try.
pub(crate) fn banner(finished: &Finished, data_dir: &DataDir, sample: &Secret) -> String {
    let Finished { start, bootstrap, is_password_chosen } = finished;
    let file = data_dir.bootstrap();
    let file = file.display();
    let key = ApiKey::parse(&bootstrap.api_key).map(|key| key.prefix().to_owned()).unwrap_or_default();
    let (shown_key, secrets) = match start {
        Start::Later => {
            let secrets =
                format!("  API key    {key}…   (see {file})\n  admin      {}\n", bootstrap.admin_user);
            (format!("{key}…"), secrets)
        }
        Start::First | Start::Renewed => {
            let password = match is_password_chosen {
                true => "password as in ADMIN_PASS".to_owned(),
                false => format!("one-time password {}", bootstrap.admin_password),
            };
            let secrets = format!(
                "  API key    {}   (shown once; kept in {file})\n  admin      {}   {password}\n",
                bootstrap.api_key, bootstrap.admin_user
            );
            (bootstrap.api_key.clone(), secrets)
        }
    };
    let note = match start {
        Start::Renewed => format!(
            "  {file} was missing: the API key is new; the admin's password is as first set, or as changed since\n"
        ),
        Start::Later => format!("  The whole key for this call is in {file}:\n"),
        Start::First => String::new(),
    };
    // On a line of its own, so that the whole line can be pasted into a shell.
    format!(
        "\ninterven {version}\n\n  gateway    {gateway}      telemetry {telemetry}\n{secrets}{note}\n  try:\n  {call}\n\n",
        version = env!("CARGO_PKG_VERSION"),
        gateway = bootstrap.gateway_url,
        telemetry = bootstrap.telemetry_url,
        call = sample_call(&bootstrap.gateway_url, &shown_key, sample.reveal()),
    )
}

/// A call that leaks a credential into a chat: the defaults deny it.
fn sample_call(gateway_url: &str, api_key: &str, leaked: &str) -> String {
    format!(
        "curl -s {gateway_url}/v1/scan -H 'Authorization: Bearer {api_key}' -H 'Content-Type: application/json' \
         -d '{{\"method\":\"POST\",\"url\":\"https://slack.com/api/chat.postMessage\",\
         \"body\":{{\"channel\":\"#general\",\"text\":\"key {leaked}\"}}}}'"
    )
}

/// The shape of an AWS access key id, made of `random` hexadecimal text: base 32 after `AKIA`.
/// Made at every start, so that nothing that looks like a credential stands in the program.
pub(crate) fn sample_credential(random: &Secret) -> Secret {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digits = random.reveal().as_bytes().chunks(2).map(|pair| {
        let value = std::str::from_utf8(pair).ok().and_then(|hex| usize::from_str_radix(hex, 16).ok());
        BASE32.get(value.unwrap_or_default() % BASE32.len()).map_or('A', |byte| char::from(*byte))
    });
    Secret::new(["AK", "IA"].concat().chars().chain(digits.take(16)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation::Bootstrap;
    use interven_types::KeyKind;

    fn printed(start: Start, is_password_chosen: bool) -> (String, Bootstrap) {
        let bootstrap = Bootstrap {
            gateway_url: "http://127.0.0.1:4000".to_owned(),
            telemetry_url: "http://127.0.0.1:4100".to_owned(),
            tenant_id: "0190f3a4-0000-7000-8000-000000000001".parse().unwrap(),
            agent_id: "0190f3a4-0000-7000-8000-000000000002".parse().unwrap(),
            api_key: ApiKey::mint(KeyKind::Live, &[9; 64]).reveal().to_owned(),
            admin_user: "admin@localhost".to_owned(),
            admin_password: "f00d5-cafe1".to_owned(),
        };
        let sample = sample_credential(&Secret::new("0123456789abcdef".repeat(4)));
        let finished = Finished { start, bootstrap, is_password_chosen };
        (banner(&finished, &DataDir::new("data"), &sample), finished.bootstrap)
    }

    #[test]
    fn the_first_start_shows_the_secrets_and_a_line_to_paste() {
        let (text, bootstrap) = printed(Start::First, false);
        let call = text.lines().find(|line| line.contains("curl ")).unwrap();
        assert!(call.trim_start().starts_with("curl -s http://127.0.0.1:4000/v1/scan "), "{call}");
        assert!(call.contains(&format!("'Authorization: Bearer {}'", bootstrap.api_key)), "{call}");
        assert!(text.contains("one-time password f00d5-cafe1"), "{text}");
    }

    #[test]
    fn a_later_start_shows_no_secret() {
        let (text, bootstrap) = printed(Start::Later, false);
        assert!(!text.contains(&bootstrap.api_key) && !text.contains("f00d5"), "{text}");
        assert!(text.contains("see data/bootstrap.json"), "{text}");
    }

    #[test]
    fn a_password_that_the_operator_chose_is_not_printed() {
        let (text, bootstrap) = printed(Start::First, true);
        assert!(!text.contains(&bootstrap.admin_password) && text.contains("ADMIN_PASS"), "{text}");
    }

    #[test]
    fn the_sample_has_the_shape_of_an_access_key() {
        let sample = sample_credential(&Secret::new("00ff1f20".repeat(8)));
        assert_eq!(sample.reveal(), format!("AK{}", "IAA77AA77AA77AA77A"));
    }
}
