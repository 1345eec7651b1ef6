//! Values that only a name marks as secret: are they random, or words, paths, versions and placeholders?

/// A machine-made token: letters and digits interleaved inside one long run. UUIDs (they identify far more often
/// than they authenticate), identifiers, file names, host names, versions and dates are not.
pub(super) fn is_opaque_token(value: &str) -> bool {
    !is_uuid(value)
        && !is_reference(value)
        && !is_path_or_url(value)
        && !has_ladder(value)
        && count_distinct(value) >= 8
        && segments(value).any(is_random_run)
}

/// A password someone could use: two kinds of characters at least, one of them not a letter, and neither a
/// placeholder nor a reference to where the password is kept.
pub(super) fn is_plausible_password(value: &str) -> bool {
    let has_letter = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let has_other = value.bytes().any(|byte| !byte.is_ascii_alphabetic());
    has_letter
        && has_other
        && count_distinct(value) >= 4
        && !is_uuid(value)
        && !is_reference(value)
        && !is_path_or_url(value)
        && !is_placeholder(value)
        && !is_phrase_of_words(value)
}

/// A password in a sentence: what ends the sentence is no part of it, and plain words are no password.
pub(super) fn is_told_password(value: &str) -> bool {
    let told = value.trim_end_matches(['.', ',', ':', ';', '!', '?', '\'', '"', '`', ')']);
    let is_plain = told.split(['\'', '-', '/']).all(|word| word.bytes().all(|b| b.is_ascii_lowercase()));
    !is_plain && is_plausible_password(told)
}

/// Words of documentation. Compared without case, digits and punctuation.
const PLACEHOLDERS: &[&str] = &[
    "abc",
    "admin",
    "apikey",
    "changeme",
    "changethis",
    "default",
    "demo",
    "dummy",
    "enterpassword",
    "example",
    "fake",
    "false",
    "foo",
    "foobar",
    "hidden",
    "invalid",
    "mypassword",
    "mysecret",
    "none",
    "null",
    "optional",
    "pass",
    "passw",
    "passwd",
    "password",
    "passwort",
    "placeholder",
    "redacted",
    "removed",
    "replaceme",
    "required",
    "sample",
    "secret",
    "string",
    "test",
    "testing",
    "todo",
    "token",
    "true",
    "undefined",
    "unset",
    "user",
    "username",
    "userpassword",
    "value",
    "xxx",
    "yourpassword",
    "yoursecret",
];

fn is_placeholder(value: &str) -> bool {
    let letters: String =
        value.chars().filter(char::is_ascii_alphabetic).map(|letter| letter.to_ascii_lowercase()).collect();
    // `Test1234!` is a password people do use; only a bare trailing digit or two keep the word a placeholder.
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    digits <= 1 && PLACEHOLDERS.binary_search(&letters.as_str()).is_ok()
}

/// `${VAR}`, `{{ var }}`, `%VAR%`, `<your key>`, `$(command)`, `process.env.X`, `var.db_password`, `self.password`.
fn is_reference(value: &str) -> bool {
    const MARKS: &[&str] = &["${", "{{", "$(", "%(", "()", "[redacted", "environ", "getenv", "->"];
    let lower = value.to_ascii_lowercase();
    MARKS.iter().any(|mark| lower.contains(mark))
        || lower.starts_with(['$', '<', '@', '*'])
        || lower.starts_with('%') && lower.ends_with('%')
        || is_dotted_name(value)
}

/// `config.database.password2`: words of letters joined by dots, nothing else.
fn is_dotted_name(value: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && count_digit_changes(part) <= 1
    };
    value.contains('.') && value.split('.').all(is_name)
}

fn is_path_or_url(value: &str) -> bool {
    value.contains("://") || value.contains("/.") || value.starts_with("./") || value.starts_with("~/") || {
        // Base 64 has slashes too; a path is one whose every part is a plain name.
        value.matches('/').count() >= 1
            && value.split('/').all(|part| part.len() < 24 && count_digit_changes(part) <= 1)
            && !value.contains(['+', '='])
    }
}

/// `DB-Main-Password`, `NEXUS-GPT4-API-KEY`, `not_used_here`: words of letters, at most one with a digit.
fn is_phrase_of_words(value: &str) -> bool {
    let words: Vec<&str> = value.split(['-', '_', ' ', '.']).collect();
    let with_digits = words.iter().filter(|word| word.bytes().any(|byte| byte.is_ascii_digit())).count();
    words.len() >= 2
        && with_digits <= 1
        && words.iter().all(|word| word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && words.iter().all(|word| count_digit_changes(word) <= 1)
}

fn is_uuid(value: &str) -> bool {
    let groups: Vec<&str> = value.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// `abcdefghij`, `1234567890`: eight or more characters that each follow the one before.
fn has_ladder(value: &str) -> bool {
    let mut run = 1;
    value.as_bytes().windows(2).any(|pair| {
        let follows = matches!(pair, [first, second] if first.checked_add(1) == Some(*second));
        run = if follows { run + 1 } else { 1 };
        run >= 8
    })
}

fn segments(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| !c.is_ascii_alphanumeric())
}

/// Ten characters or more in which digits and letters change places at least twice, or, since one base-62 token in
/// thirty has hardly a digit, capitals scattered as no spelling scatters them.
fn is_random_run(run: &str) -> bool {
    run.len() >= 10 && (count_digit_changes(run) >= 3 || has_scattered_capitals(run))
}

fn count_digit_changes(text: &str) -> usize {
    text.as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_digit() != b.is_ascii_digit()))
        .count()
}

fn has_scattered_capitals(run: &str) -> bool {
    // In camel case, words average more than three letters, so the case changes less than every second letter.
    let changes = run
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_uppercase() != b.is_ascii_uppercase()))
        .count();
    run.len() >= 16 && changes * 5 >= run.len() * 2
}

pub(super) fn count_distinct(value: &str) -> usize {
    let mut seen = [false; 256];
    for byte in value.bytes() {
        if let Some(seen) = seen.get_mut(usize::from(byte)) {
            *seen = true;
        }
    }
    seen.iter().filter(|seen| **seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_sorted() {
        assert!(PLACEHOLDERS.is_sorted());
    }

    #[test]
    fn machine_made_tokens_are_opaque() {
        for token in [
            "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB",
            "6fe4476ee5a1832882e326b506d14126",
            "q8Xk-2vRm_T4bN9zLw7Yc1Hd",
            "kJ8+vX2/Qm5rT9zLw7Yc1HdPs4==",
            "QwErXyZaKmPbRtLoVcHdNsJuGi",
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
            "NEXUS-GPT4-API-KEY",
            "ultraPictureBox1Name",
            "id-Gost28147-89-None-KeyMeshing",
            "/run/secrets/jfrog_secret",
            "https://github.com/login/oauth/access_token",
            "0123456789abcdefghijklmnopqrstuvwxyz",
            "${AWS_SECRET_ACCESS_KEY_2}",
            "getUserDefaultCredentialsForEnvironment",
            "xxxxxxxxxxxxxxxxxxxxxxxx",
            "cmp2-qat-1208358310",
        ] {
            assert!(!is_opaque_token(text), "{text}");
        }
    }

    #[test]
    fn passwords_are_told_from_stand_ins() {
        for password in ["hunter2", "Winter2024!", "S3cr3t!pass", "p@ssw0rd-9x", "Tr0ub4dor&3", "Test1234!"] {
            assert!(is_plausible_password(password), "{password}");
        }
        for text in [
            "password",
            "Password1",
            "changeme!",
            "<password>",
            "${DB_PASSWORD}",
            "{{ password }}",
            "********",
            "process.env.DB_PASSWORD",
            "var.db_password",
            "DB-Main-Password",
            "getPassword()",
            "required",
            "123456",
            "%TestSourcePassword%",
            "/run/secrets/db",
        ] {
            assert!(!is_plausible_password(text), "{text}");
        }
        assert!(is_told_password("Sw0rd-f1sh!.") && is_told_password("hunter2,"));
        for text in ["broken:", "user's", "expired/revoked.", "required!", "???"] {
            assert!(!is_told_password(text), "{text}");
        }
    }
}
