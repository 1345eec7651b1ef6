//! Tokens with a readable inside: JSON Web Tokens, base-64 JSON payloads, encoded user names.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::Value;

/// Headers and payloads above this are not decoded.
const MAX_ENCODED: usize = 8_192;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// A signed token: its header is a JSON object that names an algorithm. Source: RFC 7519, RFC 7515 section 4.1.1.
pub(super) fn is_jwt(text: &str) -> bool {
    text.matches('.').count() == 2 && header_of(text).is_some_and(|header| has_text(&header, "alg"))
}

/// The token that every introduction to the format shows: subject `1234567890`, name `John Doe`, whatever its algorithm
/// and signature. Source: <https://jwt.io/introduction>.
pub(crate) fn is_sample_jwt(text: &str) -> bool {
    /// Both claims in base 64.
    const SHORTEST: usize = 50;
    if !text.starts_with("ey") {
        return false;
    }
    let claims = text.split('.').nth(1).filter(|claims| claims.len() >= SHORTEST).and_then(decode_json);
    claims.is_some_and(|claims| {
        let is = |claim: &str, expected: &str| claims.get(claim).and_then(Value::as_str) == Some(expected);
        is("sub", "1234567890") && is("name", "John Doe")
    })
}

/// An encrypted token: five parts, its header names a key algorithm and a content algorithm. Source: RFC 7516.
pub(super) fn is_jwe(text: &str) -> bool {
    text.matches('.').count() == 4
        && header_of(text).is_some_and(|header| has_text(&header, "alg") && has_text(&header, "enc"))
}

/// `<prefix>_<base 64 of a JSON object>[_signature]`: 1Password (`ops_`), Grafana Cloud (`glc_`), Sentry (`sntrys_`).
/// Sources: <https://developer.1password.com/docs/service-accounts/security/>,
/// <https://grafana.com/docs/grafana-cloud/security-and-account-management/authentication-and-permissions/access-policies/>,
/// <https://docs.sentry.io/account/auth-tokens/>.
pub(super) fn has_json_payload(text: &str) -> bool {
    let payload = text.split('_').nth(1).unwrap_or_default();
    decode_json(payload).is_some_and(|value| value.is_object())
}

/// `user:password` in base 64, printable. Source: RFC 7617.
pub(super) fn is_basic_credentials(text: &str) -> bool {
    let decoded = decode(text).and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.is_some_and(|pair| {
        let is_printable = !pair.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER);
        // A JSON object has a colon too; no user name starts like one.
        is_printable
            && !pair.starts_with('{')
            && pair.split_once(':').is_some_and(|(user, password)| !user.is_empty() && !password.is_empty())
    })
}

/// Discord's bot tokens: base 64 of the bot's snowflake id, a time stamp, a signature.
/// Source: <https://docs.discord.com/developers/reference#authentication>.
pub(super) fn is_discord_bot_token(text: &str) -> bool {
    let id = text.split('.').next().and_then(decode).unwrap_or_default();
    (17..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit)
}

fn header_of(token: &str) -> Option<Value> {
    decode_json(token.split('.').next()?)
}

fn has_text(header: &Value, member: &str) -> bool {
    header.get(member).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

fn decode_json(encoded: &str) -> Option<Value> {
    serde_json::from_slice(&decode(encoded)?).ok()
}

/// Either alphabet, padded or not.
fn decode(encoded: &str) -> Option<Vec<u8>> {
    if encoded.is_empty() || encoded.len() > MAX_ENCODED {
        return None;
    }
    URL_SAFE.decode(encoded).or_else(|_| STANDARD.decode(encoded)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_tokens_are_known_by_their_header() {
        let header = URL_SAFE.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
        let sealed = URL_SAFE.encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
        assert!(is_jwt(&format!("{header}.e30.c2ln")));
        assert!(is_jwt(&format!("{}.e30.c2ln", header.trim_end_matches('='))));
        assert!(is_jwe(&format!("{sealed}.k.i.c.t")));
        let plain = URL_SAFE.encode(r#"{"typ":"JWT"}"#);
        for bad in [format!("{plain}.e30.c2ln"), format!("{header}.e30"), "eyJhbGci.e30.c2ln".to_owned()] {
            assert!(!is_jwt(&bad), "{bad}");
        }
        assert!(!is_jwe(&format!("{header}.k.i.c.t")));
    }

    #[test]
    fn the_sample_token_is_known_by_its_claims() {
        let token = |claims: &str| {
            let header = URL_SAFE.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
            format!("{header}.{}.c2ln", URL_SAFE.encode(claims))
        };
        let sample = r#"{"sub":"1234567890","name":"John Doe","admin":true,"iat":1516239022}"#;
        assert!(is_sample_jwt(&token(sample)));
        assert!(!is_sample_jwt(&token(&sample.replace("John Doe", "Jane Roe"))));
        assert!(!is_sample_jwt(&token(&sample.replace("123456789", "623456789"))));
    }

    #[test]
    fn payloads_are_json_objects() {
        let payload = STANDARD.encode(r#"{"signInAddress":"my.1password.com"}"#);
        assert!(has_json_payload(&format!("ops_{payload}")));
        assert!(has_json_payload(&format!("sntrys_{payload}_c2ln")));
        assert!(!has_json_payload("ops_eyJxxxxxxxxxxxx"));
        assert!(!has_json_payload(&format!("glc_{}", STANDARD.encode("[1]"))));
    }

    #[test]
    fn pairs_need_both_halves() {
        assert!(is_basic_credentials(&STANDARD.encode("ada:s3cret")));
        assert!(is_basic_credentials(STANDARD.encode("ada:s3cret!").trim_end_matches('=')));
        for bad in ["ada", "ada:", ":pw", "a\u{7}:b", r#"{"alg":"HS256"}"#] {
            assert!(!is_basic_credentials(&STANDARD.encode(bad)), "{bad:?}");
        }
    }

    #[test]
    fn bot_tokens_start_with_an_id() {
        let id = STANDARD.encode("80351110224678912").replace('=', "");
        assert!(is_discord_bot_token(&format!("{id}.XXXXXX.signature")));
        assert!(!is_discord_bot_token("MTk4NjIyNDgzNDcx!.XXXXXX.signature"));
        assert!(!is_discord_bot_token("Q2xhc3NOYW1lT2ZUaGU.XXXXXX.signature"));
    }
}
