//! `interven explain`: a recorded decision made again.

use crate::{
    cli::ExplainArgs,
    connect,
    exit::Exit,
    terminal::{Terminal, printable},
};
use anyhow::Result;

pub(crate) async fn run(args: ExplainArgs) -> Result<Exit> {
    let terminal = Terminal::new(args.server.json);
    let explanation = connect::control(&args.server)?.explain(args.trace).await?;
    terminal.show(&explanation, |explanation| {
        let mut lines: Vec<String> = explanation.explanation.iter().map(|line| printable(line)).collect();
        lines.push(match explanation.same {
            true => "Made again, the decision is the same.".to_owned(),
            false => "Made again, the decision is different:".to_owned(),
        });
        lines.extend(explanation.differences.iter().map(|line| format!("  {}", printable(line))));
        format!("{}\n", lines.join("\n"))
    })?;
    Ok(if explanation.same { Exit::Ok } else { Exit::Findings })
}
