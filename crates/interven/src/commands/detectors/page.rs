//! `interven detectors page`: `docs/detectors.md`, out of the data.

use interven_classify::detectors::Detector;
use interven_types::DataClass;
use std::fmt::Write as _;

const OPENING: &str = "# Detectors

What Interven looks for. This page is made of the detectors' data by `make generate`; `interven detectors show ID` says
more of each, `interven detectors test ID TEXT` tries one, and `interven classify FILE` runs all of them.

*Confidence* is that of a value that passes every check. *Verified by* names the checks beyond the format itself:

- `check name`: a checksum, check digit, inner structure or numbering plan that the value must pass;
- *entropy*: at least so many Shannon bits per byte, which words and counters do not have;
- *label*: a word such as `ssn` or `api key` must stand near, or right at the value or at the head of its column; *label raises*: without one
  the confidence is lower;
- *format*: the format alone, such as a prefix that nobody else uses.

";

pub(super) fn write(detectors: &[Detector]) -> String {
    let mut page = OPENING.to_owned();
    let of_class = |class: DataClass| detectors.iter().filter(move |detector| detector.class == class);
    page.push_str("| class | detectors | verified by a check | providers |\n| --- | --: | --: | --: |\n");
    for class in DataClass::ALL {
        let checked = of_class(class).filter(|detector| detector.checks().validator.is_some()).count();
        let mut providers: Vec<_> =
            of_class(class).filter_map(|detector| detector.provider.as_deref()).collect();
        providers.sort_unstable();
        providers.dedup();
        let count = of_class(class).count();
        let _ =
            writeln!(page, "| [{class}](#{}) | {count} | {checked} | {} |", anchor(class), providers.len());
    }
    let _ = writeln!(page, "\n{} detectors in all.", detectors.len());
    for class in DataClass::ALL {
        let _ = writeln!(page, "\n## {class}\n");
        page.push_str("| detector | finds | provider | confidence | verified by | documented |\n");
        page.push_str("| --- | --- | --- | --- | --- | --- |\n");
        let mut rows: Vec<&Detector> = of_class(class).collect();
        rows.sort_by_key(|detector| (detector.provider.as_deref().map(str::to_lowercase), &detector.id));
        for detector in rows {
            let cells = [
                format!("`{}`", detector.id),
                escape(&detector.summary),
                escape(detector.provider.as_deref().unwrap_or_default()),
                detector.confidence.to_string(),
                verified_by(detector),
                detector.source.as_deref().map(documented).unwrap_or_default(),
            ];
            let _ = writeln!(page, "| {} |", cells.join(" | "));
        }
    }
    page
}

fn anchor(class: DataClass) -> String {
    class.as_str().to_lowercase()
}

fn verified_by(detector: &Detector) -> String {
    let checks = detector.checks();
    let mut proofs = Vec::new();
    proofs.extend(checks.validator.map(|name| format!("check `{name}`")));
    proofs.extend(checks.min_entropy.map(|bits| format!("entropy {bits}")));
    let needs_label =
        checks.required_context || (!checks.labels.is_empty() && checks.confidence_if_bare.is_none());
    if !checks.context.is_empty() || !checks.labels.is_empty() {
        proofs.push(if needs_label { "label" } else { "label raises" }.to_owned());
    }
    if proofs.is_empty() { "format".to_owned() } else { proofs.join(", ") }
}

/// A link, or the title of a page.
fn documented(source: &str) -> String {
    if source.contains("://") { format!("[source]({source})") } else { escape(source) }
}

/// Text inside a table cell.
fn escape(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
