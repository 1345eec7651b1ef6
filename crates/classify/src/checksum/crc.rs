//! Tokens that end in a CRC-32 of themselves.

/// GitHub's classic tokens and npm's: a prefix ending in `_`, random base-62 characters, and in the last six the
/// CRC-32 of those random characters (not of the prefix), base 62, zero-padded.
///
/// Sources: <https://github.blog/engineering/behind-githubs-new-authentication-token-formats/> and
/// <https://github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format/>.
pub(super) fn has_github_checksum(token: &str) -> bool {
    let Some((_, body)) = token.split_once('_') else { return false };
    split_last(body, 6).is_some_and(|(random, tail)| {
        !random.is_empty() && tail == in_base(crc32fast::hash(random.as_bytes()), BASE_62, 6)
    })
}

/// Grafana's service-account tokens, `glsa_<32 characters>_<8 hex>`: the CRC-32 of everything before the last
/// `_`, little-endian, in hexadecimal.
///
/// Source: <https://grafana.com/docs/grafana/latest/administration/service-accounts/> and, for the byte order,
/// Grafana's own token generator.
pub(super) fn has_grafana_checksum(token: &str) -> bool {
    let Some((body, tail)) = token.rsplit_once('_') else { return false };
    let sum = crc32fast::hash(body.as_bytes()).to_le_bytes();
    tail == sum.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
}

/// GitLab's routable tokens: `<prefix><base64url>.<version><length><crc>`, where the last seven characters are the
/// CRC-32 of everything before them, base 36, and the two before those the length of the base64url part, base 36.
/// Instances may choose their own prefix; the sum covers it.
///
/// Source: <https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/>.
pub(super) fn has_gitlab_checksum(token: &str) -> bool {
    split_last(token, 7).is_some_and(|(signed, tail)| {
        signed.contains('.') && tail == in_base(crc32fast::hash(signed.as_bytes()), BASE_36, 7)
    })
}

/// Atlassian's API tokens: `ATATT3xFfGF0…=` and eight upper-case hexadecimal characters, the CRC-32 of what stands
/// before the `=`.
///
/// Source: <https://support.atlassian.com/atlassian-account/docs/manage-api-tokens-for-your-atlassian-account/>.
pub(super) fn has_atlassian_checksum(token: &str) -> bool {
    token
        .rsplit_once('=')
        .is_some_and(|(body, tail)| tail == format!("{:08X}", crc32fast::hash(body.as_bytes())))
}

const BASE_62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BASE_36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn in_base(mut value: u32, digits: &[u8], width: usize) -> String {
    let radix = u32::try_from(digits.len()).unwrap_or(u32::MAX);
    let mut text = Vec::with_capacity(width);
    while value > 0 || text.len() < width {
        text.push(digits.get((value % radix) as usize).copied().unwrap_or(b'0'));
        value /= radix;
    }
    text.iter().rev().map(|byte| char::from(*byte)).collect()
}

fn split_last(text: &str, count: usize) -> Option<(&str, &str)> {
    text.split_at_checked(text.len().checked_sub(count)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Check;

    /// Revoked tokens that circulate in public articles and documentation, plus one of each made here.
    #[test]
    fn sums_hold_for_published_tokens_and_break_with_one_character() {
        let made = format!("glpat-{}.0110", "Ab3_".repeat(9));
        let made = format!("{made}{}", in_base(crc32fast::hash(made.as_bytes()), BASE_36, 7));
        let cases: [(Check, &str); 5] = [
            (has_github_checksum, "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"),
            (has_github_checksum, "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"),
            (has_grafana_checksum, "glsa_18jsK51ALMvwoM7wnaevzGKSLp6UOsTm_07394f66"),
            (has_grafana_checksum, "glsa_59XrtzqaLhSMrlep4eCcGvPsXCaf9xE6_b83d1d4f"),
            (has_gitlab_checksum, &made),
        ];
        for (check, token) in cases {
            assert!(check(token), "{token}");
            assert!(!check(&token.replacen(['s', 'b'], "q", 1)), "{token} with a changed character");
            assert!(!check(&token[..token.len() - 1]), "{token} cut short");
        }
    }

    #[test]
    fn numbers_are_padded() {
        assert_eq!(in_base(0, BASE_62, 6), "000000");
        assert_eq!(in_base(61, BASE_62, 6), "00000z");
        assert_eq!(in_base(u32::MAX, BASE_36, 7), "1z141z3");
    }
}
