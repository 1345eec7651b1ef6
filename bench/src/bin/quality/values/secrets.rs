//! Credentials as their issuers shape them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bench::Random;
use flate2::Crc;
use interven_types::DataClass;

use super::{BASE_32, BASE_62, BASE_64_URL, DIGITS, HEX, Kind, LETTERS, NOT_ZERO, UPPER, any};

const fn kind(name: &'static str, sentence: &'static str, make: fn(&mut Random) -> String) -> Kind {
    Kind { name, class: DataClass::Secrets, sentence, make }
}

pub(super) const KINDS: &[Kind] = &[
    kind("AWS access key id", "deploy with {} today", |r| format!("AKIA{}", any(r, BASE_32, 16))),
    kind("AWS secret key", "aws_secret_access_key = {}", |r| any(r, BASE_62, 40)),
    kind("GitHub token", "push with {} please", |r| with_crc(r, "ghp_", 30)),
    kind("GitHub server token", "clone with {} please", |r| with_crc(r, "ghs_", 30)),
    kind("GitHub fine-grained token", "use {} for it", |r| {
        format!("github_pat_{}_{}", any(r, BASE_62, 22), any(r, BASE_62, 59))
    }),
    kind("npm token", "publish with {} now", |r| with_crc(r, "npm_", 30)),
    kind("GitLab token", "the runner has {} now", |r| format!("glpat-{}", any(r, BASE_64_URL, 20))),
    kind("Slack bot token", "post with {} please", |r| {
        format!("xoxb-{}-{}-{}", number(r, 12), number(r, 13), any(r, BASE_62, 24))
    }),
    kind("Slack webhook", "alerts go to {} now", |r| {
        let (team, hook) = (any(r, UPPER, 8), any(r, UPPER, 10));
        format!("https://hooks.slack.com/services/T{team}/B{hook}/{}", any(r, BASE_62, 24))
    }),
    kind("Stripe key", "charge with {} please", |r| format!("sk_live_{}", any(r, BASE_62, 24))),
    kind("Google API key", "maps key {} here", |r| format!("AIza{}", any(r, BASE_64_URL, 35))),
    kind("OpenAI key", "the model key is {} today", |r| {
        format!("sk-proj-{}T3BlbkFJ{}", any(r, BASE_64_URL, 74), any(r, BASE_64_URL, 74))
    }),
    kind("Anthropic key", "the model key is {} today", |r| {
        format!("sk-ant-api03-{}AA", any(r, BASE_64_URL, 93))
    }),
    kind("Hugging Face token", "download with {} please", |r| format!("hf_{}", any(r, LETTERS, 34))),
    kind("SendGrid key", "mail with {} please", |r| {
        format!("SG.{}.{}", any(r, BASE_64_URL, 22), any(r, BASE_64_URL, 43))
    }),
    kind("DigitalOcean token", "droplets with {} please", |r| format!("dop_v1_{}", any(r, HEX, 64))),
    kind("Shopify token", "the shop has {} now", |r| format!("shpat_{}", any(r, HEX, 32))),
    kind("Telegram bot token", "the telegram bot is {} now", |r| {
        format!("{}:AA{}", number(r, 10), any(r, BASE_64_URL, 33))
    }),
    kind("JSON Web Token", "session {} is open", jwt),
    kind("private key", "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", ed25519),
    kind("password of a database", "postgres://app:{}@db.example.net:5432/orders", |r| any(r, BASE_62, 18)),
    kind("password", "password: {}", |r| format!("{}!{}", any(r, BASE_62, 9), any(r, BASE_62, 6))),
    kind("API key of nobody in particular", "api_key = \"{}\"", |r| any(r, BASE_62, 32)),
    kind("bearer token", "Authorization: Bearer {}", |r| any(r, BASE_62, 40)),
    kind(
        "Azure storage key",
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey={};EndpointSuffix=core.windows.net",
        |r| STANDARD.encode(bytes(r, 64)),
    ),
];

fn number(random: &mut Random, count: usize) -> String {
    format!("{}{}", any(random, NOT_ZERO, 1), any(random, DIGITS, count - 1))
}

fn bytes(random: &mut Random, count: usize) -> Vec<u8> {
    (0..count).map(|_| random.below(256).try_into().unwrap_or_default()).collect()
}

/// A prefix, random characters, and their CRC-32 in base 62, six characters wide, as GitHub and npm issue them.
fn with_crc(random: &mut Random, prefix: &str, count: usize) -> String {
    let body = any(random, BASE_62, count);
    format!("{prefix}{body}{}", checksum(&body))
}

fn checksum(body: &str) -> String {
    let mut crc = Crc::new();
    crc.update(body.as_bytes());
    let mut rest = crc.sum();
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.extend(BASE_62.get(rest as usize % 62).copied().map(char::from));
        rest /= 62;
    }
    digits.iter().rev().collect()
}

/// RFC 7519, signed with HMAC SHA-256 by nobody.
fn jwt(random: &mut Random) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = format!(r#"{{"sub":"{}","iat":{}}}"#, any(random, HEX, 16), number(random, 10));
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(claims), any(random, BASE_64_URL, 43))
}

/// RFC 8410: the header of a PKCS#8 key for Ed25519, and 32 bytes.
fn ed25519(random: &mut Random) -> String {
    let header = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    STANDARD.encode([header.to_vec(), bytes(random, 32)].concat())
}

#[cfg(test)]
mod tests {
    use super::checksum;

    /// A revoked token from GitHub's announcement of the format.
    #[test]
    fn the_sum_is_that_of_a_published_token() {
        assert_eq!(checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
    }
}
