//! `interven scan --jsonl`: requests in, answers out, one per line.

use super::{ScanFailure, judge};
use crate::{
    exit::Exit,
    jsonl::{JsonLines, Line},
};
use anyhow::Result;
use interven_client::{ClientError, ScanAnswer};
use interven_guard::Judge;
use serde::Serialize;
use serde_json::Value;
use std::io::{BufWriter, Write as _, stdin, stdout};

#[derive(Debug, Serialize)]
struct Answered {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    Answer(Box<ScanAnswer>),
    Failure { error: String, code: String },
}

/// One call after the other, as an agent makes them.
pub(super) async fn run(who: &Judge) -> Result<Exit> {
    let mut lines = JsonLines::new(stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 16, stdout().lock());
    while let Some(line) = lines.read()? {
        match answer(who, line).await {
            Ok(answered) => serde_json::to_writer(&mut output, &answered)?,
            Err(unreachable) => {
                output.flush()?;
                return Err(unreachable.into());
            }
        }
        output.write_all(b"\n")?;
        if lines.must_wait() {
            output.flush()?;
        }
    }
    output.flush()?;
    Ok(Exit::Ok)
}

/// A line that cannot be judged is answered with why; without the server no further line can be answered either.
async fn answer(who: &Judge, line: Line) -> Result<Answered, ClientError> {
    let (id, judged) = match line {
        Ok(mut fields) => (fields.remove("id"), judge(who, fields).await),
        Err(problem) => (None, Err(ScanFailure::InvalidRequest(problem))),
    };
    let outcome = match judged {
        Ok(answer) => Outcome::Answer(Box::new(answer)),
        Err(ScanFailure::Server(
            error @ (ClientError::Unreachable { .. } | ClientError::TimedOut { .. }),
        )) => return Err(error),
        Err(failure) => Outcome::Failure { code: failure.code().to_owned(), error: failure.to_string() },
    };
    Ok(Answered { id, outcome })
}
