//! Checks that a value is what its shape claims: checksums where a format has one, inner structure where it has
//! none, plausibility for values that only a name marks as secret.
//!
//! Every check takes the captured value alone, runs in time linear in it (base 58 is quadratic and bounded), and
//! never panics. Detector data names a check in `validator`; what a failed check leaves is said there too.

mod base58;
mod bech32;
mod cloud;
mod crc;
mod key;
pub(crate) mod mnemonic;
mod opaque;
mod password;
pub(crate) mod token;

/// Whether the value passes.
pub(crate) type Check = fn(&str) -> bool;

/// The names detector data may use, in alphabetical order.
const CHECKS: &[(&str, Check)] = &[
    ("age_secret_key", bech32::is_age_secret_key),
    ("atlassian_crc", crc::has_atlassian_checksum),
    ("azure_storage_key", cloud::is_azure_storage_key),
    ("basic_credentials", token::is_basic_credentials),
    ("bip32_private_key", base58::is_extended_private_key),
    ("bip39_mnemonic", mnemonic::has_seed_phrase),
    ("bip39_repeated_word", mnemonic::repeats_one_word),
    ("bip39_varied_mnemonic", mnemonic::has_varied_seed_phrase),
    ("bitcoin_wif", base58::is_wallet_import_key),
    ("credential_uuid", password::is_credential_uuid),
    ("discord_bot_token", token::is_discord_bot_token),
    ("github_crc", crc::has_github_checksum),
    ("gitlab_crc", crc::has_gitlab_checksum),
    ("grafana_crc", crc::has_grafana_checksum),
    ("interven_key", interven_types::has_valid_key_checksum),
    ("json_payload", token::has_json_payload),
    ("jwe", token::is_jwe),
    ("jwt", token::is_jwt),
    ("nostr_secret_key", bech32::is_nostr_secret_key),
    ("opaque_token", opaque::is_opaque_token),
    ("password", password::is_plausible_password),
    ("password_or_words", password::is_password_or_words),
    ("presented_password", password::is_presented_password),
    ("private_key_block", key::is_private_key_block),
    ("private_key_der", key::is_private_key_der),
    ("random_letters", opaque::has_random_letters),
    ("secp256k1_private_key", key::is_secp256k1_private_key),
    ("secret_or_password", password::is_secret_or_password),
    ("secret_value", password::is_secret_value),
    ("stellar_seed", key::is_stellar_seed),
    ("strong_password", password::is_strong_password),
    ("symbolic_secret", password::is_symbolic_secret),
    ("told_password", password::is_told_password),
    ("wireguard_private_key", key::is_wireguard_private_key),
];

/// The check of that name. Called once per detector when the data is loaded.
pub(crate) fn checksum_named(name: &str) -> Option<Check> {
    CHECKS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_found() {
        assert!(CHECKS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(CHECKS.iter().all(|(name, _)| checksum_named(name).is_some()));
        assert!(checksum_named("crc_of_nothing").is_none());
    }

    #[test]
    fn no_check_accepts_or_chokes_on_hostile_values() {
        let hostile = ["", ".", "..", "é", "=", "a.b.c", "\u{200b}", "ops", "é_é", "é.é.é", "0x"];
        let long = "9".repeat(200_000);
        for (name, check) in CHECKS {
            for value in hostile.into_iter().chain([long.as_str()]) {
                assert!(!check(value), "{name} accepts {:?}", value.get(..8).unwrap_or(value));
            }
        }
    }
}
