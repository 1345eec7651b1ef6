//! Names, postal addresses and dates of birth: what stands behind a label has to look like one.

/// Words that stand where a name could, and are none; sorted.
const NO_NAMES: [&str; 109] = [
    "account",
    "add",
    "address",
    "admin",
    "anonymous",
    "api",
    "app",
    "association",
    "birth",
    "build",
    "center",
    "centre",
    "check",
    "city",
    "client",
    "clinic",
    "code",
    "company",
    "corp",
    "country",
    "create",
    "customer",
    "data",
    "date",
    "default",
    "demo",
    "department",
    "deploy",
    "driver",
    "email",
    "example",
    "export",
    "exports",
    "false",
    "file",
    "foundation",
    "gender",
    "get",
    "gmbh",
    "group",
    "guest",
    "health",
    "hospital",
    "id",
    "import",
    "inc",
    "install",
    "institute",
    "insurance",
    "international",
    "is",
    "job",
    "laboratory",
    "licence",
    "license",
    "limited",
    "list",
    "llc",
    "ltd",
    "medical",
    "missing",
    "my",
    "name",
    "new",
    "none",
    "null",
    "number",
    "other",
    "passport",
    "patient",
    "pharmacy",
    "phone",
    "plan",
    "plc",
    "pool",
    "postal",
    "production",
    "project",
    "report",
    "required",
    "run",
    "salary",
    "security",
    "server",
    "service",
    "services",
    "set",
    "social",
    "solutions",
    "status",
    "string",
    "support",
    "system",
    "systems",
    "team",
    "technologies",
    "test",
    "the",
    "title",
    "true",
    "type",
    "undefined",
    "university",
    "unknown",
    "update",
    "user",
    "version",
    "your",
    "zip",
];

/// Words of names that are written small; sorted.
const PARTICLES: [&str; 28] = [
    "af", "al", "av", "ben", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "du",
    "el", "ibn", "la", "le", "los", "och", "ter", "van", "von", "y", "zu", "zur",
];

/// One to six words that begin with a capital, or are of a script without capitals.
pub(super) fn is_person_name(value: &str) -> bool {
    const MOST_WORDS: usize = 6;
    let words = || value.split([' ', ',']).filter(|word| !word.is_empty()).take(MOST_WORDS + 1);
    let is_letter = |c: char| c.is_alphabetic() || matches!(c, '\'' | '’' | '-' | '.' | '·');
    let is_capital = |word: &str| word.chars().next().is_some_and(|c| c.is_alphabetic() && !c.is_lowercase());
    let is_word = |word: &&str| {
        word.chars().all(is_letter)
            && (is_capital(word) || is_one_of(word, &PARTICLES))
            && !is_one_of(word, &NO_NAMES)
            && !is_acronym(word)
            && !is_label(word)
    };
    words().count() <= MOST_WORDS
        && words().all(|word| is_word(&word))
        && words().any(is_capital)
        && value.chars().filter(|c| c.is_alphabetic()).count() >= 2
}

/// Whether `word` is in the sorted `list`, whatever its case and without the dots and quotes behind it.
fn is_one_of(word: &str, list: &[&str]) -> bool {
    let bare = word.trim_end_matches(['.', '\'']).as_bytes();
    let Some(first) = bare.first().map(u8::to_ascii_lowercase) else { return false };
    let is_before = |other: &&str| other.as_bytes().first().is_some_and(|begin| *begin < first);
    let alike = list.get(list.partition_point(is_before)..).unwrap_or_default();
    alike
        .iter()
        .map(|other| other.as_bytes())
        .take_while(|other| other.first() == Some(&first))
        .any(|other| other.len() == bare.len() && other.eq_ignore_ascii_case(bare))
}

/// `LastName`, `Username`: what heads a name is none.
fn is_label(word: &str) -> bool {
    let end = word.len().checked_sub("name".len()).and_then(|at| word.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case("name"))
}

/// Three capitals or more without a vowel: `DSS` of a standard.
fn is_acronym(word: &str) -> bool {
    word.len() >= 3
        && word
            .bytes()
            .all(|b| b.is_ascii_uppercase() && !matches!(b, b'A' | b'E' | b'I' | b'O' | b'U' | b'Y'))
}

/// Words and a number of a street, a box or a postcode; nothing that is an address of another kind.
pub(super) fn is_postal_address(value: &str) -> bool {
    const OTHERS: [&str; 13] = ["://", "@", "0x", "::", "\\", "www.", "${", "{{", "_", "''", "()", "*", "&"];
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    let numbers = value.chars().filter(char::is_ascii_digit).count();
    let words = value.split([' ', ',']).filter(|word| word.chars().any(char::is_alphanumeric)).count();
    let is_ideographic =
        value.chars().any(|c| matches!(c, '\u{3040}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'));
    // `12`, `4B`, `#5`; not `string1`.
    let has_number_of_its_own = value
        .split([' ', ',', '#', '-', '/', '.', ':'])
        .any(|token| token.starts_with(|c: char| c.is_ascii_digit()));
    (8..=200).contains(&value.len())
        && letters >= 4
        && (1..=14).contains(&numbers)
        && letters > numbers / 2
        && (is_ideographic || has_number_of_its_own)
        && (words >= 2 || is_ideographic)
        && !OTHERS.iter().any(|other| value.contains(other))
}

/// A date on which a living person can have been born; names of months are the pattern's business.
pub(super) fn is_birth_date(value: &str) -> bool {
    let numbers: Vec<(usize, u32)> = value
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .filter_map(|part| part.parse().ok().map(|number| (part.len(), number)))
        .collect();
    let is_year = |(len, number): (usize, u32)| len == 2 || (1880..=2040).contains(&number);
    let is_day_and_month = |a: u32, b: u32| (1..=31).contains(&a.max(b)) && (1..=12).contains(&a.min(b));
    match numbers.as_slice() {
        [(8, whole)] => is_birth_date(&format!("{}-{}-{}", whole / 10_000, whole / 100 % 100, whole % 100)),
        [(4, year)] => is_year((4, *year)),
        [year @ (4, _), (_, day)] | [(_, day), year] => (1..=31).contains(day) && is_year(*year),
        [year @ (4, _), (_, a), (_, b)] | [(_, a), (_, b), year] => {
            is_year(*year) && is_day_and_month(*a, *b)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_capitalised_in_any_script() {
        for name in [
            "Jane Smith",
            "Rufino de Farré",
            "Zoë",
            "O’Brien, Anna",
            "方秀娟",
            "Олена Токар",
            "Dr. Max van der Berg",
        ] {
            assert!(is_person_name(name), "{name}");
        }
        for other in
            ["none", "backup job", "Acme Inc", "Report 7", "Support Team", "PCI DSS", "LastName", "x", ""]
        {
            assert!(!is_person_name(other), "{other}");
        }
    }

    #[test]
    fn addresses_have_words_and_a_number() {
        for address in [
            "86071 Aaron Alley, Kaitlynview, NY 77751",
            "Hauptstr. 5, 10115 Berlin",
            "199 新營中央路72號之4",
            "PO Box 2744",
        ] {
            assert!(is_postal_address(address), "{address}");
        }
        for other in [
            "jane.doe1@example.org",
            "https://a.io/1 b",
            "0x52908400098527886E0F",
            "10.0.0.1",
            "none at all",
            "(socket.AF_INET6, 0, ''",
        ] {
            assert!(!is_postal_address(other), "{other}");
        }
    }

    #[test]
    fn dates_of_birth_can_have_been() {
        for date in ["1980-02-29", "12/05/1977", "3 March 1961", "June 24, 1931", "19800229", "31.12.85"] {
            assert!(is_birth_date(date), "{date}");
        }
        for other in ["1780-02-28", "2980-02-28", "45/45/1977", "1.2.3.4", "99 March 1961", ""] {
            assert!(!is_birth_date(other), "{other}");
        }
    }
}
