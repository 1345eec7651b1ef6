//! Values that only a name marks as secret: are they random, or words, paths, versions and references?

use super::password::is_reference;
use std::cmp::Ordering;

/// A machine-made token: letters and digits interleaved inside one long run. UUIDs (they identify far more often
/// than they authenticate), identifiers, file names, host names, versions and dates are not.
pub(super) fn is_opaque_token(value: &str) -> bool {
    count_distinct(value) >= 8
        && !is_uuid(value)
        && (runs(value).any(is_random_run) || is_broken_base64(value))
        && !is_path_or_url(value)
        && !has_ladder(value)
        && !has_braid(value)
        && !is_host_name(value)
        && !is_reference(value)
}

/// `d2k4l8ab1x9q.cloudfront.net`: labels of small letters and digits under a domain that anybody may have.
pub(super) fn is_host_name(value: &str) -> bool {
    const DOMAINS: [&str; 6] = ["app", "com", "dev", "io", "net", "org"];
    let is_in_label = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    value.rsplit_once('.').is_some_and(|(labels, domain)| {
        DOMAINS.contains(&domain) && labels.bytes().all(|byte| is_in_label(byte) || byte == b'.')
    })
}

/// The part behind the prefix of a token that is mostly letters in both cases, told from names in camel case: there a
/// capital stands alone before several small letters.
pub(super) fn has_random_letters(token: &str) -> bool {
    let run = token.split_once('_').map_or(token, |(_, run)| run);
    count_distinct(run) >= 12
        && (is_random_run(run.as_bytes()) || count_breaks_of_camel_case(run.as_bytes()) * 9 >= run.len())
}

/// Where letters are not as camel case has them: capitals side by side, or a small letter alone.
fn count_breaks_of_camel_case(run: &[u8]) -> usize {
    run.chunk_by(|a, b| a.is_ascii_uppercase() == b.is_ascii_uppercase())
        .filter(|part| match part {
            [first, _, ..] => first.is_ascii_uppercase(),
            [alone] => alone.is_ascii_lowercase(),
            [] => false,
        })
        .count()
}

/// Base 64 of either alphabet that its own symbols cut into short runs. Names have hyphens and dots too, so what has these
/// takes capitals as no name has them.
fn is_broken_base64(value: &str) -> bool {
    const SHORTEST: usize = 32;
    let is_of =
        |symbols: &[u8]| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || symbols.contains(&byte));
    let run = || value.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let is_random = |run: &str| run.len() >= SHORTEST && count_digit_changes(run.as_bytes()) >= 2;
    if value.contains(['+', '/']) && is_of(b"+/=") {
        let run = run();
        return is_random(&run) && has_strewn_case(&run);
    }
    let is_cut = value.contains(['-', '_', '.']) && is_of(b"-_.~=");
    is_cut && is_random(&run()) && has_scattered_capitals(run().as_bytes())
}

/// Capitals and small letters change places more often than names do: every fourth letter or sooner.
fn has_strewn_case(run: &str) -> bool {
    let letters: Vec<u8> = run.bytes().filter(u8::is_ascii_alphabetic).collect();
    let changes = letters
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_uppercase() != b.is_ascii_uppercase()))
        .count();
    changes * 4 >= letters.len()
}

pub(super) fn is_path_or_url(value: &str) -> bool {
    let is_marked = || {
        ["://", "/."].iter().any(|mark| value.contains(mark))
            || value.starts_with("./")
            || value.starts_with("~/")
    };
    // Base 64 has slashes too; a path is one whose every part is a plain name.
    let is_of_names = || {
        value.split('/').all(|part| part.len() < 24 && count_digit_changes(part.as_bytes()) <= 1)
            && !value.contains(['+', '='])
    };
    memchr::memchr(b'/', value.as_bytes()).is_some() && (is_marked() || is_of_names() || is_file(value))
}

/// `tests/ui/run-9.rs`: a path of plain names whose last ends in an extension.
fn is_file(value: &str) -> bool {
    const LONGEST: usize = 5;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.-".contains(&byte);
    let extension = value.rsplit_once('.').map(|(_, extension)| extension);
    value.bytes().all(is_plain)
        && extension.is_some_and(|extension| {
            (1..=LONGEST).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_lowercase())
        })
}

pub(super) fn is_uuid(value: &str) -> bool {
    value.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && value.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// `abcdefghij`, `1234567890`: mostly runs of eight or more characters that each follow the one before.
pub(super) fn has_ladder(value: &str) -> bool {
    const SHORTEST: usize = 8;
    let follows = |pair: &[u8]| matches!(pair, [first, second] if first.checked_add(1) == Some(*second));
    let (mut run, mut climbed) = (1, 0);
    for pair in value.as_bytes().windows(2) {
        run = if follows(pair) { run + 1 } else { 1 };
        climbed += match run.cmp(&SHORTEST) {
            Ordering::Less => 0,
            Ordering::Equal => SHORTEST,
            Ordering::Greater => 1,
        };
    }
    climbed * 5 >= value.len().max(1) * 2
}

/// `a1b2c3d4`, `d4c3b2a1`: a run that two ladders make, braided, as documentation writes a sample.
fn has_braid(value: &str) -> bool {
    const SHORTEST: usize = 8;
    let is_rung = |trio: &[u8]| matches!(trio, [first, _, third] if first.abs_diff(*third) == 1);
    runs(value).any(|run| {
        let rungs = run.windows(3).filter(|trio| is_rung(trio)).count();
        // Where a ladder of digits ends, it begins anew.
        run.len() >= SHORTEST && rungs * 10 >= (run.len() - 2) * 9
    })
}

fn runs(value: &str) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| !byte.is_ascii_alphanumeric())
}

/// Ten characters or more in which digits and letters change places at least twice, or, since one base-62 token in
/// thirty has hardly a digit, capitals scattered as no spelling scatters them.
fn is_random_run(run: &[u8]) -> bool {
    run.len() >= 10 && (count_digit_changes(run) >= 3 || has_scattered_capitals(run))
}

pub(super) fn count_digit_changes(text: &[u8]) -> usize {
    text.windows(2).filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit())).count()
}

/// Capitals strewn as no spelling strews them. In camel case, words average more than three letters, so the case changes
/// less than every second letter; the shorter the run, the more changes it takes.
pub(super) fn has_scattered_capitals(run: &[u8]) -> bool {
    let changes = run
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_uppercase() != b.is_ascii_uppercase()))
        .count();
    let is_strewn =
        run.len() >= 16 && changes * 5 >= run.len() * 2 || run.len() >= 12 && changes * 5 >= run.len() * 3;
    // `SingleCertAndKey`: short words change the case as often as chance does, but never out of step.
    is_strewn && count_breaks_of_camel_case(run) * 8 >= run.len()
}

pub(super) fn count_distinct(value: &str) -> usize {
    let mut seen = [0_u8; 256];
    for byte in value.bytes() {
        if let Some(seen) = seen.get_mut(usize::from(byte)) {
            *seen = 1;
        }
    }
    // Some bytes are never part of UTF-8, so the sum fits.
    usize::from(seen.into_iter().fold(0, u8::wrapping_add))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_made_tokens_are_opaque() {
        for token in [
            "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB",
            "6fe4476ee5a1832882e326b506d14126",
            "q8Xk-2vRm_T4bN9zLw7Yc1Hd",
            "kJ8+vX2/Qm5rT9zLw7Yc1HdPs4==",
            "QwErXyZaKmPbRtLoVcHdNsJuGi",
            "QwErXyZaKmPb_spelled",
            "rTkLmWvBcQz/pXyUeNsHdJg2aFqVt4+RkCbMwZ",
            "rTkLmWvBcQz-pXyUeNsHdJg2aFqVt4_RkCbMwZ",
            "rTkLmWvB.cQzpXyUe-NsHdJg2a.FqVt4RkCbMwZ",
        ] {
            assert!(is_opaque_token(token), "{token}");
        }
    }

    #[test]
    fn names_paths_versions_and_identifiers_are_not() {
        for text in [
            "29f63271-dc2f-4734-8221-5b31b5169bac",
            "rc0.15.0_20231217_1420-SNAPSHOT",
            "dev-lb1.api.example.net:5215",
            "d2k4l8ab1x9q.cloudfront.net",
            "NEXUS-GPT4-API-KEY",
            "ultraPictureBox1Name",
            "id-Gost28147-89-None-KeyMeshing",
            "/run/secrets/jfrog_secret",
            "https://github.com/login/oauth/access_token",
            "0123456789abcdefghijklmnopqrstuvwxyz",
            "${AWS_SECRET_ACCESS_KEY_2}",
            "getUserDefaultCredentialsForEnvironment",
            "SingleCertAndKey",
            "PrivateKeyInfoRef",
            "xxxxxxxxxxxxxxxxxxxxxxxx",
            "a1b2c3d4-e5f6-g7h8-i8j0-k0l3m3n4o0p5",
            "acme-d4c3b2a1",
            "cmp2-qat-1208358310",
            "Library/Frameworks/v2Headers/UserDefaultCredentials",
            "Library.Frameworks2.v2Headers.UserDefaultCredentials.Of4",
        ] {
            assert!(!is_opaque_token(text), "{text}");
        }
    }

    #[test]
    fn letters_alone_are_told_from_names() {
        for token in [
            "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",
            "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",
            "hf_fmY3yQ0ktgkyId5Ts5Tlms03gb3d8dZteE",
        ] {
            assert!(has_random_letters(token), "{token}");
        }
        for name in ["hf_generatedByHomeAppForDebuggingPurposesKey", "hf_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
        {
            assert!(!has_random_letters(name), "{name}");
        }
    }
}
