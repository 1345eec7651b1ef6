//! Lines of PowerShell, made readable for the lexer of POSIX shells: backslashes separate paths there, a backtick escapes, and
//! braces stand without spaces (<https://learn.microsoft.com/powershell/module/microsoft.powershell.core/about/about_parsing>).

use base64::{Engine, engine::general_purpose::STANDARD};

pub(crate) fn to_posix(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 16);
    let mut before = ' ';
    for c in line.chars() {
        match c {
            '\\' => out.push('/'),
            '`' => {}
            '{' if before != '$' => out.push_str(" ; "),
            '}' => out.push_str(" ; "),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// The value of `-EncodedCommand`, in any of the lengths to which the name may be cut.
pub(super) fn encoded_command(arguments: &[String]) -> Option<&str> {
    let is_name = |word: &String| {
        let name = word.trim_start_matches(['-', '/']).to_ascii_lowercase();
        word.len() > name.len() && !name.is_empty() && (name == "ec" || "encodedcommand".starts_with(&name))
    };
    let at = arguments.iter().position(is_name)?;
    arguments.get(at + 1).map(String::as_str)
}

/// Base64 of UTF-16, little endian.
pub(super) fn decoded(packed: &str) -> Option<String> {
    let bytes = STANDARD.decode(packed.trim()).ok()?;
    let units: Vec<u16> =
        bytes.chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?))).collect();
    String::from_utf16(&units).ok()
}
