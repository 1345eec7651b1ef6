//! The bodies that are timed: what agents send, and what someone sends who wants the classifier to be slow.

use serde_json::{Map, Value, json};

/// Who sends such a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// An agent at work.
    Ordinary,
    /// Someone who wants a call to be slow.
    Hostile,
}

/// A kind of body, in any size.
pub(crate) struct Kind {
    pub(crate) name: String,
    pub(crate) nature: Nature,
    make: Box<dyn Fn(usize) -> Value>,
}

impl Kind {
    fn new(name: impl Into<String>, nature: Nature, make: impl Fn(usize) -> Value + 'static) -> Self {
        Self { name: name.into(), nature, make: Box::new(make) }
    }

    /// A body of about `size` bytes.
    pub(crate) fn body(&self, size: usize) -> Value {
        (self.make)(size)
    }
}

/// Texts that are repeated to the size, as the one string of the body.
const FLOODS: &[(&str, &str)] = &[
    ("keywords", "password token secret api_key sk- ghp_ xoxb- AKIA eyJ "),
    ("near-miss prefixes", "ghp_0123456789abcdef sk-proj-0123456789 AKIA0123456789 xoxb-1234-5678 "),
    ("near-miss passwords", "password=required&token=none&secret: value "),
    ("assignments in assignments", "password=token=secret="),
    ("assignments of nothing", "password:        "),
    ("quotation marks", "\"password\"\"\"\"\"\""),
    ("one letter", "a"),
    ("letters and marks", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"),
    ("digits", "4111 1111 1111 1112 "),
    ("one digit run", "4"),
    ("grouped digits", "4-1-1-"),
    ("dotted digits", "1.1."),
    ("phone openings", "+1 (415) 555-01 +44 20 79 "),
    ("at signs", "a@"),
    ("dotted local parts", "a.a-a+a."),
    ("domains without end", "a@a.a.a.a.a."),
    ("e-mails", "jane.doe@example.org "),
    ("colons", "a:"),
    ("double colons", "::1:"),
    ("user names in URLs", "https://a:a@a:a@"),
    ("key openings", "-----BEGIN PRIVATE KEY-----\n"),
    ("key file openings", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"),
    (
        "assigned values",
        "LINE_CHANNEL_ACCESS_TOKEN=Zk3vQ9xT7mW2pL5rB8nC4dF6gH1jK0sA%20COHERE_API_KEY=ZcCcRKrwt.",
    ),
    ("JWT openings", "eyJhbGciOiJIUzI1NiJ9.eyJ.eyJ."),
    ("base64 run", "QUJD"),
    ("base64 runs", "QUJDQUJDQUJDQUJDQUJD "),
    ("binary in base64", "gZ+/x0PqW1nL7vTeR2kYdB5hJm8sUa4f"),
    ("hex run", "41"),
    ("hex pairs", "41 "),
    ("characters", "A "),
    ("codes", "65,"),
    ("base85", "WMyz{Z+RehX>@2HK}$(N "),
    ("concatenations", "\"a1\" + "),
    ("tags", "<b>a1</b>"),
    ("lines", "a1b2\n"),
    ("variables", "a=b1;$a$a"),
    ("labels of pieces", "part 1: a1 "),
    ("look-alikes", "АКІА2 "),
    ("dots", "a1.b2."),
    ("quoted-printable", "=41"),
    ("escapes", "\\\\u0041"),
    ("percent", "%2541"),
    ("zero width", "a\u{200b}"),
    ("Cyrillic prose", "Недельный отчёт готов, и команда посмотрела каждый открытый вопрос до выпуска. "),
    ("Japanese prose", "週次報告書は準備ができており、チームはすべての項目を確認しました。"),
    ("look-alikes", "раѕѕwоrd "),
    ("seed words", "abandon ability able about above absent "),
    ("street addresses", "12 Main Street, "),
    ("names with labels", "Name: Jane Doe, patient "),
    ("health labels", "MRN ICD-10 DOB NPI diagnosis patient 1234567 E11.9 "),
    ("braces", "{\"a\":"),
];

/// Every kind, the ordinary ones first.
pub(crate) fn kinds() -> Vec<Kind> {
    use Nature::{Hostile, Ordinary};
    let mut kinds = vec![
        Kind::new("clean JSON", Ordinary, clean),
        Kind::new("clean prose", Ordinary, |size| json!({ "text": fill(size, PROSE) })),
        Kind::new(
            "source code",
            Ordinary,
            |size| json!({ "path": "app/report.py", "content": fill(size, SOURCE) }),
        ),
        Kind::new("10 % with findings", Ordinary, |size| records(size, 10)),
        Kind::new("entity-dense", Hostile, |size| records(size, 1)),
    ];
    kinds.extend(
        FLOODS
            .iter()
            .map(|(name, unit)| Kind::new(*name, Hostile, |size| json!({ "text": fill(size, unit) }))),
    );
    kinds.extend([
        Kind::new("short strings", Hostile, |size| json!(vec!["a1"; size / 5])),
        Kind::new("numbers", Hostile, |size| json!(vec![4_111_111_111_111_112_u64; size / 17])),
        Kind::new("e-mail items", Hostile, |size| json!(vec!["jane.doe@example.org"; size / 23])),
        Kind::new("pieces of a value", Hostile, |size| json!(vec!["ghp_0123"; size / 11])),
        Kind::new("members only", Hostile, |size| members(size, |n| format!("key{n}"), "")),
        Kind::new("e-mails as keys", Hostile, |size| members(size, |n| format!("jane{n}@example.org"), "")),
        Kind::new("password members", Hostile, |size| members(size, |n| format!("password{n}"), "none")),
        Kind::new("deep JSON", Hostile, |size| {
            let nested = (0..60).fold(json!("x"), |inner, n| json!({ "k": inner, "n": n }));
            json!(vec![nested; size / 780 + 1])
        }),
    ]);
    kinds
}

const PROSE: &str =
    "The weekly report is ready and the team reviewed every open item before the release went out. ";

const SOURCE: &str = r#"
class Report:
    """Counts what the workers finished, by day."""

    def __init__(self, store: Store, clock=time.monotonic) -> None:
        self.store, self.clock = store, clock
        self.days: dict[str, list[int]] = {}

    def add(self, job: Job) -> None:
        if job.state not in {"done", "failed"} or job.finished_at is None:
            return
        self.days.setdefault(job.finished_at.date().isoformat(), []).append(job.duration_ms)

export async function loadPage(cursor?: string): Promise<Page<Item>> {
  const response = await fetch(`/v1/items?limit=50&cursor=${cursor ?? ""}`, { headers: { accept: "application/json" } });
  if (!response.ok) throw new HttpError(response.status, await response.text());
  return (await response.json()) as Page<Item>;
}

SELECT day, count(*) AS jobs, avg(duration_ms) FROM jobs WHERE state = 'done' GROUP BY day ORDER BY day DESC LIMIT 30;
"#;

/// `unit`, repeated to `size` bytes; the last one is cut short.
pub(crate) fn fill(size: usize, unit: &str) -> String {
    let mut text = unit.repeat(size / unit.len().max(1) + 1);
    text.truncate(text.floor_char_boundary(size));
    text
}

/// Records of an ordinary tool, with nothing to find in them.
pub(crate) fn clean(size: usize) -> Value {
    json!({"items": (0..size / 235 + 1).map(record).collect::<Vec<_>>()})
}

fn record(index: usize) -> Value {
    json!({"id": format!("item-{index}"), "title": "Update the onboarding guide", "state": "open", "count": index,
           "labels": ["docs", "good first issue"], "created": "2026-03-01T10:00:00Z", "done": false,
           "body": "Please describe how the new settings page works and add two screenshots."})
}

/// Clean records, every `period`th with personal data and a credential in it.
fn records(size: usize, period: usize) -> Value {
    const FOUND: [&str; 4] = [
        "write to jane.doe@example.org or call +1 415 555 0132",
        "card 5555 5555 5555 4444, SSN 536-90-4399",
        "deploy with AKIA2E5A6B7CXQ4TZNFM",
        "IBAN DE89370400440532013000 of the customer",
    ];
    let record = |index: usize| {
        let mut record = record(index);
        if index.is_multiple_of(period) {
            let text = FOUND.get(index / period % FOUND.len()).copied().unwrap_or_default();
            if let Some(body) = record.get_mut("body") {
                *body = json!(text);
            }
        }
        record
    };
    json!({"items": (0..size / 235 + 1).map(record).collect::<Vec<_>>()})
}

/// One object of many members.
fn members(size: usize, name: impl Fn(usize) -> String, value: &str) -> Value {
    let count = size / (name(100).len() + value.len() + 6) + 1;
    Value::Object((0..count).map(|n| (name(n), json!(value))).collect::<Map<_, _>>())
}
