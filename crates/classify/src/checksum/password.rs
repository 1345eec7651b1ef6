//! Passwords that only their place marks as such: are they plausible, or placeholders, references and words of forms?

use super::opaque::{
    count_digit_changes, count_distinct, has_ladder, has_scattered_capitals, is_host_name, is_opaque_token,
    is_path_or_url, is_uuid,
};
use crate::{bytes::ByteSet, words::Words};
use std::sync::LazyLock;

/// A password someone could use: two kinds of characters at least, one of them not a letter, and neither a
/// placeholder nor a reference to where the password is kept.
pub(super) fn is_plausible_password(value: &str) -> bool {
    let has_letter = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let has_other = value.bytes().any(|byte| !byte.is_ascii_alphabetic());
    has_letter
        && has_other
        && count_distinct(value) >= 4
        && !is_uuid(value)
        && !is_label(value)
        && !is_location(value)
        && !is_code(value)
        && !is_reference(value)
        && !is_complaint(value)
        && !is_placeholder(value)
        && !is_phrase_of_words(value)
}

/// A password in a sentence: what ends the sentence is no part of it, and plain words are no password.
pub(super) fn is_told_password(value: &str) -> bool {
    let told = value.trim_end_matches(['.', ',', ':', ';', '!', '?', '\'', '"', '`', ')']);
    let is_plain = told.split(['\'', '-', '/']).all(|word| word.bytes().all(|b| b.is_ascii_lowercase()));
    !is_plain && is_plausible_password(told)
}

/// A password by itself, where what stands before it says little: three kinds of characters at least.
pub(super) fn is_strong_password(value: &str) -> bool {
    const LEAST: usize = 8;
    let told = value.trim_end_matches(['.', ',', ':', ';', '?', '\'', '"', '`', ')']);
    let has = |is_kind: fn(&u8) -> bool| usize::from(told.bytes().any(|byte| is_kind(&byte)));
    let kinds = has(u8::is_ascii_lowercase)
        + has(u8::is_ascii_uppercase)
        + has(u8::is_ascii_digit)
        // What joins words is no kind of its own.
        + has(|byte| byte.is_ascii_punctuation() && !b"-_.:".contains(byte));
    let is_plain = told.bytes().all(|byte| byte.is_ascii_alphanumeric()) && count_interleavings(told) < 3;
    told.len() >= LEAST
        && kinds >= 3
        && !is_plain
        && !told.contains(['/', '='])
        && is_plausible_password(told)
}

/// A password where nothing else can stand, as in quotes after the name: words count too, unless forms, types or
/// documentation use them there.
pub(super) fn is_password_or_words(value: &str) -> bool {
    if value.contains(' ') {
        return is_passphrase(value);
    }
    is_plausible_password(value) || is_lone_word(value)
}

/// The password part of a URL: whatever stands there is one, but for references and the words of documentation.
pub(super) fn is_presented_password(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_sample = PLACEHOLDERS.binary_search(&lower.as_str()).is_ok() || PLACEHOLDER_PARTS.are_in(value);
    !is_sample && !is_reference(value) && count_distinct(value) >= 4
}

/// A value under a name that says secret: a machine-made token, or a long password.
pub(super) fn is_secret_value(value: &str) -> bool {
    const LEAST: usize = 12;
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let is_version =
        value.contains('.') && value.split('.').all(|part| count_digit_changes(part.as_bytes()) <= 1);
    is_opaque_token(value)
        || value.len() >= LEAST
            && digits >= 2
            && !has_ladder(value)
            && count_distinct(value) >= 8
            && !is_version
            && !is_host_name(value)
            && is_plausible_password(value)
            // Names and versions have their digits in one place.
            && (count_interleavings(value) >= 3 || value.contains(['!', '#', '$', '%', '^', '&', '*', '+']))
}

/// A value without quotes under a name that says secret: letters, digits and symbols that no number, path or expression
/// of a program mixes.
pub(super) fn is_symbolic_secret(value: &str) -> bool {
    const SYMBOLS: &[char] = &['!', '#', '$', '%', '^', '&', '*', '@', '?', '~'];
    let is_call = value.split_once('(').is_some_and(|(name, _)| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.:!".contains(&byte))
    });
    let inner = value.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    inner.contains(SYMBOLS)
        && !is_call
        && !value.contains("&&")
        && !is_query(value)
        && !is_address(value)
        && count_distinct(value) >= 8
        && count_interleavings(value) >= 2
        && is_plausible_password(value)
}

/// `user@host.example`.
fn is_address(value: &str) -> bool {
    value.split_once('@').is_some_and(|(_, host)| {
        host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
    })
}

/// `a=1&b=2`: what follows a value in a query belongs to other parameters.
fn is_query(value: &str) -> bool {
    value.split('&').skip(1).any(|pair| {
        pair.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-".contains(&byte))
        })
    })
}

/// How often a letter and a digit stand side by side.
fn count_interleavings(value: &str) -> usize {
    let is_change = |a: u8, b: u8| {
        a.is_ascii_digit() && b.is_ascii_alphabetic() || a.is_ascii_alphabetic() && b.is_ascii_digit()
    };
    value.as_bytes().windows(2).filter(|pair| matches!(pair, [a, b] if is_change(*a, *b))).count()
}

/// A value under a name that says secret or password.
pub(super) fn is_secret_or_password(value: &str) -> bool {
    is_secret_value(value) || is_password_or_words(value)
}

/// A UUID that may authenticate: not the nil one (RFC 9562) or another filler.
pub(super) fn is_credential_uuid(value: &str) -> bool {
    /// Fewer different digits are filler.
    const LEAST_DISTINCT: usize = 9;
    const FILLERS: &[&str] = &["01234567", "12345678", "abcdefab", "deadbeef", "a1b2c3d4"];
    is_uuid(value)
        && count_distinct(value) >= LEAST_DISTINCT
        && !FILLERS.iter().any(|filler| value.starts_with(filler))
}

/// Words of documentation, and passwords that services are delivered with. Compared without case, digits and punctuation.
const PLACEHOLDERS: &[&str] = &[
    "abc",
    "admin",
    "apikey",
    "changeit",
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
    "guest",
    "hidden",
    "invalid",
    "localhost",
    "minioadmin",
    "mongo",
    "mongodb",
    "mypassword",
    "mysecret",
    "mysql",
    "none",
    "null",
    "optional",
    "oracle",
    "pass",
    "passw",
    "passwd",
    "password",
    "passwort",
    "placeholder",
    "postgres",
    "postgresql",
    "rabbitmq",
    "redacted",
    "redis",
    "removed",
    "replaceme",
    "required",
    "root",
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

/// Parts that no real password has, whatever stands round them.
static PLACEHOLDER_PARTS: LazyLock<Words> = LazyLock::new(|| {
    Words::of(&["dummy", "fake", "insert", "mock_", "mock-", "placeholder", "sample", "your"])
});

fn is_placeholder(value: &str) -> bool {
    /// More letters than the longest has.
    const ENOUGH: usize = 16;
    let letters = || {
        let letters = value.chars().filter(char::is_ascii_alphabetic).take(ENOUGH);
        letters.map(|letter| letter.to_ascii_lowercase())
    };
    // `Test1234!` is a password people do use; only a bare trailing digit or two keep the word a placeholder.
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    digits <= 1 && PLACEHOLDERS.binary_search(&letters().collect::<String>().as_str()).is_ok()
        || PLACEHOLDER_PARTS.are_in(value)
}

/// What a shell or Compose says when a variable is not set, from `${NAME:?is-missing}` (POSIX, "Parameter Expansion").
fn is_complaint(value: &str) -> bool {
    value
        .strip_prefix('?')
        .is_some_and(|words| words.bytes().all(|b| b.is_ascii_lowercase() || b"-_.!".contains(&b)))
}

/// `${VAR}`, `{{ var }}`, `%VAR%`, `<your key>`, `$(command)`, `process.env.X`, `var.db_password`, `self.password`,
/// `Type::method`, `ENC(…)`.
pub(super) fn is_reference(value: &str) -> bool {
    const MARKS: &[&str] = &[
        "environ",
        "getenv",
        "${",
        "#{",
        "{{",
        "$(",
        "%(",
        "()",
        "[redacted",
        "->",
        "::",
        "enc(",
        "enc[",
        // Where a vault keeps it.
        "arn:aws",
        "keyvault(",
        "op://",
        "vault://",
    ];
    // Each holds what `may_hold_mark` looks for.
    static FINDER: LazyLock<Words> = LazyLock::new(|| Words::of(MARKS));
    value.starts_with('*')
        || value.starts_with('<') && value.ends_with('>')
        || value.starts_with('%') && value.ends_with('%')
        || value.strip_prefix(['$', '@', '&', '%', '<']).is_some_and(is_access)
        || value.strip_prefix('$').is_some_and(opens_with_variable)
        || may_hold_mark(value) && FINDER.are_in(value)
        || has_name_in_braces(value)
        || is_dotted_name(value)
}

/// Whether a value has what each mark of a reference has one of: a sign that few values have, or the `nv` of an environment.
fn may_hold_mark(value: &str) -> bool {
    const SIGNS: ByteSet = ByteSet::of(b"{([>:");
    let is_env = |pair: &[u8]| matches!(pair, [b'n' | b'N', b'v' | b'V']);
    value.bytes().any(|byte| SIGNS.has(byte)) || value.as_bytes().windows(2).any(is_env)
}

/// `{password}`, `svc-{DB_USER}`, `{read_token(name)}`: a name or a call that a template fills in.
fn has_name_in_braces(value: &str) -> bool {
    let is_name = |inside: &str| {
        (inside.is_empty() || inside.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
            && inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.: -()[]'".contains(&byte))
    };
    value.split('{').skip(1).any(|rest| rest.split_once('}').is_some_and(|(inside, _)| is_name(inside)))
}

/// What follows the sigil of a variable: `name`, `name->member`, `name['key']`, `env:NAME`.
fn is_access(rest: &str) -> bool {
    !rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.:>[]'\"{}()/-".contains(&byte))
}

/// What follows the sigil of an environment variable that opens an address: `BASE_URL/#/login`.
fn opens_with_variable(rest: &str) -> bool {
    const SHORTEST: usize = 3;
    rest.split_once('/').is_some_and(|(name, _)| {
        name.len() >= SHORTEST
            && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

/// `config.database.password2`: words of letters joined by dots, nothing else.
fn is_dotted_name(value: &str) -> bool {
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && count_digit_changes(part.as_bytes()) <= 1
            && !ends_in_a_number(part)
    };
    value.contains('.') && value.split('.').all(is_name)
}

/// A path, a URL, a route or a selector: `/en/server@3.0/auth`, `#add-password`.
fn is_location(value: &str) -> bool {
    let is_anchor = value.starts_with('#') && !value.bytes().any(|byte| byte.is_ascii_digit());
    let is_route = value.starts_with('/') && value.matches('/').count() >= 2 && !value.contains(['+', '=']);
    is_path_or_url(value) || is_anchor || is_route
}

/// What a function on passwords takes beside them, the name of an encoding; or a call that opens: `Library(`, also
/// with what it is assigned to: `password = read(`.
fn is_code(value: &str) -> bool {
    const ENCODINGS: &[&str] = &["ascii", "base64", "hex", "iso88591", "latin1", "utf16", "utf16le", "utf8"];
    let plain: String = value.chars().filter(|c| !matches!(c, '-' | '_')).collect();
    let is_opening = value.strip_suffix('(').is_some_and(|call| {
        call.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.( \t=:>?+".contains(&byte))
    });
    is_opening || ENCODINGS.iter().any(|encoding| plain.eq_ignore_ascii_case(encoding))
}

/// A word of a form: `Password:`, `application:`, `required|min:8`; what stands between two literals: `, next:`;
/// or another flag: `--next-token`.
fn is_label(value: &str) -> bool {
    let word = value.trim_end_matches([':', '.', '?', '*', ',']);
    let is_word = |word: &str| word.bytes().all(|byte| byte.is_ascii_alphabetic());
    word.len() < value.len() && is_word(word)
        || value.starts_with([',', ';', ')'])
        || value.starts_with("--")
        || value.split('|').next().is_some_and(|first| first == "required")
}

/// Whether three digits or more end a part of a name: people put them into passwords, hardly into names. A year is a
/// name's.
fn ends_in_a_number(part: &str) -> bool {
    let digits = part.len() - part.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let is_year =
        digits == 4 && part.get(part.len() - 4..).is_some_and(|year| ("1900".."2100").contains(&year));
    (3..=6).contains(&digits) && !is_year
}

/// `DB-Main-Password`, `NEXUS-GPT4-API-KEY`, `not_used_here`: words of letters, at most one with a digit; `site-954` is a
/// password, `error-404` is a form's word with its number.
fn is_phrase_of_words(value: &str) -> bool {
    let words: Vec<&str> = value.split(['-', '_', ' ', '.']).collect();
    let with_digits = words.iter().filter(|word| word.bytes().any(|byte| byte.is_ascii_digit())).count();
    let is_numbered = || {
        words.iter().any(|word| ends_in_a_number(word))
            && !words.iter().any(|word| is_of_forms(&word.to_ascii_lowercase()))
    };
    words.len() >= 2
        && with_digits <= 1
        && words.iter().all(|word| word.len() >= 2 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        && words
            .iter()
            .all(|word| count_digit_changes(word.as_bytes()) <= 1 && !has_scattered_capitals(word.as_bytes()))
        && !is_numbered()
}

/// Words that forms, types, schemas and messages put where a password would stand.
const WORDS_OF_FORMS: &[&str] = &[
    "and", "any", "arg", "auto", "bad", "bool", "char", "code", "env", "for", "from", "has", "int", "key",
    "not", "off", "old", "new", "raw", "set", "str", "var", "with", "yes",
];

/// Parts of such words.
const PARTS_OF_FORMS: &[&str] = &[
    "admin",
    "argon",
    "array",
    "basic",
    "bcrypt",
    "bearer",
    "bool",
    "cannot",
    "change",
    "character",
    "client",
    "config",
    "confirm",
    "credential",
    "current",
    "database",
    "default",
    "digest",
    "disable",
    "email",
    "empty",
    "enable",
    "encrypt",
    "enter",
    "error",
    "example",
    "exist",
    "expire",
    "fail",
    "fallback",
    "false",
    "field",
    "file",
    "forgot",
    "function",
    "hash",
    "hidden",
    "hide",
    "http",
    "incorrect",
    "input",
    "integer",
    "invalid",
    "kerberos",
    "ldap",
    "length",
    "level",
    "login",
    "manage",
    "mask",
    "match",
    "missing",
    "must",
    "name",
    "none",
    "null",
    "number",
    "oauth",
    "object",
    "option",
    "param",
    "pass",
    "plain",
    "please",
    "private",
    "prompt",
    "protect",
    "provide",
    "public",
    "random",
    "read",
    "redact",
    "remove",
    "repeat",
    "required",
    "reset",
    "return",
    "secret",
    "secure",
    "server",
    "setting",
    "should",
    "show",
    "sign",
    "stdin",
    "store",
    "string",
    "strong",
    "success",
    "temp",
    "test",
    "text",
    "token",
    "true",
    "type",
    "undefined",
    "unknown",
    "unset",
    "update",
    "user",
    "valid",
    "value",
    "variable",
    "vault",
    "verif",
    "visible",
    "weak",
    "write",
    "wrong",
];

fn is_of_forms(word: &str) -> bool {
    WORDS_OF_FORMS.contains(&word)
        || PARTS_OF_FORMS.iter().any(|part| word.contains(part))
        || PLACEHOLDER_PARTS.are_in(word)
        || PLACEHOLDERS.binary_search(&word).is_ok()
}

/// One word of small letters, or capitals strewn as no spelling strews them.
fn is_lone_word(value: &str) -> bool {
    let is_spelled = value.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_letters = value.bytes().all(|byte| byte.is_ascii_alphabetic());
    let inner_capitals = value.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
    (8..=40).contains(&value.len())
        && is_letters
        && (is_spelled || inner_capitals >= 3 && value.bytes().any(|byte| byte.is_ascii_lowercase()))
        && count_distinct(value) >= 5
        && !is_of_forms(&value.to_ascii_lowercase())
}

/// Two words or more, none of them a form's: small letters only, or one that mixes letters with digits.
fn is_passphrase(value: &str) -> bool {
    const LEAST: usize = 10;
    let words: Vec<&str> = value.split(' ').collect();
    let is_plain =
        words.iter().all(|word| word.len() >= 3 && word.bytes().all(|byte| byte.is_ascii_lowercase()));
    let is_mixed = words.iter().any(|word| word.len() >= 5 && count_interleavings(word) >= 2);
    let is_sentence = words.len() > 8 || words.iter().any(|word| is_of_forms(&word.to_ascii_lowercase()));
    value.len() >= LEAST && words.len() >= 2 && !is_sentence && (is_plain || is_mixed && !is_reference(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_sorted() {
        assert!(PLACEHOLDERS.is_sorted());
        assert!(PLACEHOLDERS.iter().all(|word| word.len() < 16), "`is_placeholder` reads 16 letters");
    }

    #[test]
    fn passwords_are_told_from_stand_ins() {
        for password in [
            "hunter2",
            "Winter2024!",
            "S3cr3t!pass",
            "p@ssw0rd-9x",
            "Tr0ub4dor&3",
            "Test1234!",
            "$tr0ng@nd!l0ng",
            "@zure_P@ss!",
            "#gets0m3",
            "abc123.com",
            "DEV-we-954",
        ] {
            assert!(is_plausible_password(password), "{password}");
        }
        for text in [
            "password",
            "Password1",
            "changeme!",
            "<password>",
            "${DB_PASSWORD}",
            "$DB_PASSWORD",
            "$BASE_URL/#/login?next=2",
            "$config['password']",
            "@password",
            "{{ password }}",
            "********",
            "process.env.DB_PASSWORD",
            "var.db_password",
            "rpassword::prompt_password2",
            "DB-Main-Password",
            "getPassword()",
            "ENC(tUf83Ex0oSbDGa8v)",
            "required",
            "required|min:8",
            "Password:",
            ",next1:",
            "#add-password",
            "/en/server@3.0/auth",
            "123456",
            "%TestSourcePassword%",
            "/run/secrets/db",
            "fake-pa55-w0rd",
            "{PASSWORD_HERE}",
            "prefix_{}",
            "{read_token(name2)}",
            "arn:aws:secretsmanager:eu-west-2:660254676590:secret:db-W3Hb0",
            "@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/Db-2)",
            "Reset-2024",
            "tests/ui/run-9.rs",
            "utf-8",
            "Library(path._full9(",
        ] {
            assert!(!is_plausible_password(text), "{text}");
        }
        assert!(is_told_password("Sw0rd-f1sh!.") && is_told_password("hunter2,"));
        for text in ["broken:", "user's", "expired/revoked.", "required!", "???"] {
            assert!(!is_told_password(text), "{text}");
        }
    }

    #[test]
    fn symbols_tell_secrets_without_quotes() {
        for secret in ["r&lvyb1*k+qq)=x-!=0yd5l5#1gxzk!82@ru25", "b@d0@u7H70K3n"] {
            assert!(is_symbolic_secret(secret), "{secret}");
        }
        for text in [
            "parse(token2!b3)",
            "a1b2c3d4&scope=x",
            "x2y3&&z4w5!",
            "plainT0kenW1th0ut",
            "user1@host2.acme3.dev",
        ] {
            assert!(!is_symbolic_secret(text), "{text}");
        }
    }

    #[test]
    fn urls_present_passwords() {
        for password in ["testpass", "rumpelstilz", "hunter2"] {
            assert!(is_presented_password(password), "{password}");
        }
        for text in ["password", "secret", "postgres", "yourpass", "${PASS}", "xxxxxx"] {
            assert!(!is_presented_password(text), "{text}");
        }
    }

    #[test]
    fn strong_passwords_need_no_label() {
        for password in ["Sw0rd-f1sh", "Kx81Qm#@", "aB3dE5gH7"] {
            assert!(is_strong_password(password), "{password}");
        }
        for text in [
            "Version2",
            "hunter2x",
            "Reset-2024",
            "reset-link-2",
            "Settings/Users1",
            "field_name",
            "Sha256sum",
        ] {
            assert!(!is_strong_password(text), "{text}");
        }
    }

    #[test]
    fn words_are_passwords_unless_forms_use_them() {
        for password in
            ["rumpelstilzchen", "correct horse battery staple", "opens my d00r5 2day", "qyOIhJiMuT"]
        {
            assert!(is_password_or_words(password), "{password}");
        }
        for text in [
            "required",
            "encrypted",
            "userPassword",
            "Kennwort",
            "enter your phrase",
            "must be 8 or more",
            "undefined",
            "not set",
            "thisismypassword",
        ] {
            assert!(!is_password_or_words(text), "{text}");
        }
    }

    #[test]
    fn secrets_are_tokens_or_long_passwords() {
        for secret in
            ["s3ss10n-s1gn1ng-s3cr3t-k3y", "abcdeg12346+FJQCK", "932ljaSKl32Fde", "Zf3D0LXCM3EIMbgJpUNnkR"]
        {
            assert!(is_secret_value(secret), "{secret}");
        }
        for text in [
            "nexus-gpt4-api-key",
            "projects/acme",
            "1.22.333.4444",
            "2024-01-02-build",
            "user@example12",
            "dwj7s0gr-uedt0sg-ll.acme.com",
        ] {
            assert!(!is_secret_value(text), "{text}");
        }
        assert!(is_credential_uuid("897f3b11-72f2-4c6f-9a9d-4750cdc609c6"));
        for text in
            ["00000000-0000-0000-0000-000000000000", "12345678-1234-4234-8234-123456789012", "897f3b11"]
        {
            assert!(!is_credential_uuid(text), "{text}");
        }
    }
}
