//! `interven scan`: what would become of a call.

mod stream;

use super::packs;
use crate::{
    cli::ScanArgs,
    connect,
    exit::{Exit, UsageError},
    terminal::{Terminal, fields, or_dash},
};
use anyhow::{Result, anyhow};
use interven_client::{Asked, ClientError, ScanAnswer};
use interven_guard::{Circumstances, Judge, LocalJudge};
use interven_types::{Decision, ErrorCode, ScanRequest, Timestamp, parse_json};
use serde_json::{Map, Value};
use std::{io::Read as _, time::SystemTime};

/// No verdict for one call.
#[derive(Debug, thiserror::Error)]
enum ScanFailure {
    #[error(transparent)]
    Server(#[from] ClientError),
    #[error("{0}")]
    InvalidRequest(String),
}

impl ScanFailure {
    fn code(&self) -> &str {
        match self {
            Self::Server(error) => error.code(),
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest.as_str(),
        }
    }
}

async fn judge(judge: &Judge, fields: Map<String, Value>) -> Result<ScanAnswer, ScanFailure> {
    let request = ScanRequest::from_json(Value::Object(fields))
        .map_err(|error| ScanFailure::InvalidRequest(error.to_string()))?;
    match judge {
        Judge::Gateway(client) => match client.scan(&request).await? {
            Asked::Answered(answer) => Ok(answer),
            // Who asks what would become of a call is not helped by letting it through.
            Asked::LetThrough(outage) => Err(outage.into()),
        },
        Judge::Nobody(fault) => Err(ScanFailure::InvalidRequest(fault.message.clone())),
        Judge::Local(judge) => {
            let now = Timestamp::from(SystemTime::now());
            let judged = judge.judge(&request, Circumstances::of_a_stranger(&request, now));
            judged.map(LocalJudge::answer).map_err(|error| ScanFailure::InvalidRequest(error.to_string()))
        }
    }
}

pub(crate) async fn run(args: ScanArgs) -> Result<Exit> {
    let who = match args.local {
        true => Judge::Local(Box::new(packs::judge(&args.packs)?)),
        false => Judge::Gateway(connect::gateway(&args)?),
    };
    if args.jsonl {
        return stream::run(&who).await;
    }
    let answer = match judge(&who, request(&args)?).await {
        Err(ScanFailure::InvalidRequest(problem)) => return Err(UsageError(problem).into()),
        Err(ScanFailure::Server(error)) => return Err(error.into()),
        Ok(answer) => answer,
    };
    let terminal = Terminal::new(args.json);
    terminal.show(&answer, |answer| shown(answer, terminal))?;
    Ok(Exit::Decided(answer.decision))
}

fn request(args: &ScanArgs) -> Result<Map<String, Value>> {
    let mut headers = Map::new();
    for header in &args.headers {
        let (name, value) =
            header.split_once(':').ok_or_else(|| UsageError("--header wants NAME:VALUE".to_owned()))?;
        headers.insert(name.trim().to_owned(), Value::String(value.trim().to_owned()));
    }
    let mut request = Map::new();
    let texts = [
        ("method", &args.method),
        ("url", &args.url),
        ("context", &args.context),
        ("agent_name", &args.agent_name),
        ("env", &args.env),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            request.insert(name.to_owned(), Value::String(text.clone()));
        }
    }
    request.insert("headers".to_owned(), Value::Object(headers));
    if let Some(body) = &args.body {
        request.insert("body".to_owned(), read_body(body)?);
    }
    Ok(request)
}

/// JSON as it stands, of a file (`@path`), or of the standard input (`-`).
fn read_body(argument: &str) -> Result<Value> {
    let wrong = |reason: String| anyhow!(UsageError(format!("--body: {reason}")));
    let mut bytes = Vec::new();
    if argument == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
    } else if let Some(path) = argument.strip_prefix('@') {
        bytes = std::fs::read(path).map_err(|error| wrong(format!("`{path}` cannot be read: {error}")))?;
    } else {
        bytes.extend_from_slice(argument.as_bytes());
    }
    parse_json(&bytes).map_err(|error| wrong(error.to_string()))
}

fn shown(answer: &ScanAnswer, terminal: Terminal) -> String {
    let rule = match (&answer.policy_name, &answer.rule_id) {
        (Some(policy), Some(rule)) => format!("{policy} / {rule}"),
        _ => "-".to_owned(),
    };
    let classes: Vec<_> = answer.classifications.iter().map(|class| class.as_str()).collect();
    let mut text = fields([
        ("call", format!("{}.{} ({})", answer.tool_name, answer.operation, answer.verb)),
        ("risk", format!("{} ({:.2})", answer.risk_band.as_str(), answer.risk_score)),
        ("reasons", answer.reason_codes.join(", ")),
        ("carries", classes.join(", ")),
        ("rule", rule),
        ("trace", or_dash(answer.receipt.map(|receipt| receipt.trace_id))),
    ]);
    if let Some(would_be) = answer.would_be {
        text.push_str(&format!("only monitored: it would have been {would_be}\n"));
    }
    if let Some(approval) = answer.approval_id {
        text.push_str(&format!(
            "a person decides (`interven approvals approve {approval}`); then send the identical call again\n"
        ));
    }
    if let (Decision::Sanitize, Some(body)) = (answer.decision, &answer.sanitized_body) {
        text.push_str(&format!("\nsend this body:\n{body:#}\n"));
    }
    format!("{}\n{text}", terminal.decision(Some(answer.decision)).trim_end())
}
