//! Sends a labelled corpus of tool calls through a running gateway and counts what was decided against the labels.
//!
//! The corpus is a file of JSON lines, plain or gzip'd, whose path is given: nothing of it is part of the product. Each
//! agent of the corpus gets a key of its own and a name of this run, so that what one does colours no other.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

mod corpus;
mod gateway;
mod tally;

use std::path::PathBuf;

use clap::Parser;

use corpus::{Case, Step};
use gateway::Gateway;
use tally::{Outcome, Tally};

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Rows of AgentDojo calls, agent-egress-bench cases or labelled texts: JSON lines, gzip'd when the name ends in `.gz`
    corpus: PathBuf,
    /// Data directory of the running `interven serve`
    #[arg(long, default_value = "./data", value_name = "DIR")]
    data_dir: PathBuf,
    /// Print each row that was decided against its label, with the reasons
    #[arg(long)]
    wrong: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    let cases = corpus::read(&asked.corpus)?;
    let mut gateway = Gateway::of_data_dir(&asked.data_dir)?;
    let mut tally = Tally::default();
    for case in &cases {
        let outcome = decide(&mut gateway, case).await?;
        if asked.wrong && outcome.is_contained() != case.must_be_contained {
            print!("{}", tally::wrong(case, &outcome));
        }
        tally.add(case, &outcome);
    }
    println!("{tally}");
    Ok(())
}

async fn decide(gateway: &mut Gateway, case: &Case) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    for step in &case.steps {
        match step {
            Step::Call(call) => outcome.calls.push(gateway.scan(&case.agent, call).await?),
            Step::Answered { call, answer } => {
                let allowed = gateway.scan(&case.agent, call).await?;
                let inspected = gateway.scan_response(&case.agent, &allowed.trace_id, answer).await?;
                outcome.calls.push(allowed);
                outcome.answers.push(inspected);
            }
        }
    }
    Ok(outcome)
}
