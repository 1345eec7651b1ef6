//! What a command prints, when that can be foreseen: enough to read through `echo cm0= | base64 -d | sh`.

use base64::{Engine, alphabet, engine};

/// Longest foreseen output, in bytes.
const MAX_OUTPUT: usize = 65_536;

/// The standard alphabet, padded or not, as `base64 -d` tolerates it when line breaks are removed.
const LENIENT: engine::GeneralPurpose = engine::GeneralPurpose::new(
    &alphabet::STANDARD,
    engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Output of `program arguments` for `input`, which is what is piped in.
pub(super) fn foresee(program: &str, arguments: &[String], input: Option<&str>) -> Option<String> {
    let has = |flags: &[&str]| arguments.iter().any(|argument| flags.contains(&argument.as_str()));
    let output = match program {
        "echo" => {
            let words =
                arguments.iter().skip_while(|a| matches!(a.as_str(), "-n" | "-e" | "-ne" | "-en" | "-E"));
            let text = words.map(String::as_str).collect::<Vec<_>>().join(" ");
            if has(&["-e", "-ne", "-en"]) { unescape(&text) } else { text }
        }
        "printf" => {
            let (format, rest) = arguments.split_first()?;
            let mut values = rest.iter();
            let mut parts = format.split("%s");
            let mut text = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                text.push_str(values.next().map_or("", String::as_str));
                text.push_str(part);
            }
            text.extend(values.map(String::as_str));
            unescape(&text)
        }
        "which" => arguments.first()?.clone(),
        "cat" | "tee" if arguments.is_empty() || has(&["-"]) => input?.to_owned(),
        "rev" if arguments.is_empty() => input?.trim_end().chars().rev().collect(),
        "base64" | "gbase64" if has(&["-d", "-D", "--decode", "-di"]) => {
            let packed: String = input?.chars().filter(|c| !c.is_whitespace()).collect();
            String::from_utf8(LENIENT.decode(packed).ok()?).ok()?
        }
        "openssl" if has(&["base64", "enc", "-base64", "-a"]) && has(&["-d"]) => {
            let packed: String = input?.chars().filter(|c| !c.is_whitespace()).collect();
            String::from_utf8(LENIENT.decode(packed).ok()?).ok()?
        }
        "xxd" if arguments.iter().any(|a| a.starts_with('-') && a.contains('r')) => from_hex(input?)?,
        "tr" => translate(arguments, input?)?,
        _ => return None,
    };
    (output.len() <= MAX_OUTPUT).then_some(output)
}

fn from_hex(text: &str) -> Option<String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let bytes =
        digits?.chunks_exact(2).map(|pair| pair.iter().fold(0_u8, |high, low| (high << 4) | low)).collect();
    String::from_utf8(bytes).ok()
}

/// `tr SET1 SET2` and `tr -d SET`; ranges as in `A-Za-z`.
fn translate(arguments: &[String], input: &str) -> Option<String> {
    match arguments {
        [flag, set] if flag == "-d" => {
            let set = read_set(set);
            Some(input.chars().filter(|c| !set.contains(c)).collect())
        }
        [from, to] => {
            let (from, to) = (read_set(from), read_set(to));
            let last = to.last().copied()?;
            let map =
                |c| from.iter().position(|f| *f == c).map_or(c, |at| to.get(at).copied().unwrap_or(last));
            Some(input.chars().map(map).collect())
        }
        _ => None,
    }
}

fn read_set(text: &str) -> Vec<char> {
    let chars: Vec<char> = unescape(text).chars().collect();
    let mut set = Vec::new();
    let mut at = 0;
    while let Some(first) = chars.get(at).copied() {
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(last)) if set.len() < 512 => {
                set.extend((first..=*last).take(256));
                at += 3;
            }
            _ => {
                set.push(first);
                at += 1;
            }
        }
    }
    set.truncate(512);
    set
}

/// Backslash escapes of `echo -e` and `printf`.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let (radix, digits) = match chars.peek() {
            Some('x') => {
                chars.next();
                (16, 2)
            }
            Some('0') => (8, 4),
            Some('1'..='7') => (8, 3),
            Some('n') => {
                chars.next();
                out.push('\n');
                continue;
            }
            Some('t') => {
                chars.next();
                out.push('\t');
                continue;
            }
            Some(_) => {
                out.extend(chars.next());
                continue;
            }
            None => break,
        };
        let mut value = 0;
        for _ in 0..digits {
            let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else { break };
            value = value * radix + digit;
            chars.next();
        }
        out.extend(char::from_u32(value));
    }
    out
}
