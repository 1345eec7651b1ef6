//! Arguments of the commands that look at calls and texts.

use clap::{
    Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use interven_types::{Confidence, DataClass};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Data directory of a server on this machine: bootstrap.json has its address and a key
    #[arg(long, default_value = "./data", value_name = "DIR")]
    pub(crate) data_dir: PathBuf,
    /// Address of another gateway; the key comes from INTERVEN_API_KEY
    #[arg(long, value_name = "URL", env = "INTERVEN_GATEWAY_URL")]
    pub(crate) server: Option<String>,
    /// Judge in this process: no server, nothing is recorded, the agent has no past
    #[arg(long)]
    pub(crate) local: bool,
    /// With --local: policies in place of the defaults, a file or the name of a pack; repeat for more
    #[arg(long = "pack", value_name = "FILE|NAME", requires = "local")]
    pub(crate) packs: Vec<PathBuf>,
    /// Read one request per line from the standard input, print one answer per line; `id` is echoed, a bad line yields
    /// {"error", "code"}; exit code 0
    #[arg(long, conflicts_with_all = ["method", "url", "body", "headers", "context", "agent_name", "env"])]
    pub(crate) jsonl: bool,
    /// What the agent intends: GET, POST, …
    #[arg(long, required_unless_present = "jsonl")]
    pub(crate) method: Option<String>,
    /// Absolute: https://…, tool://…, mcp://…, shell://exec, file://…
    #[arg(long, required_unless_present = "jsonl")]
    pub(crate) url: Option<String>,
    /// JSON, `@file`, or `-` for the standard input
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub(crate) body: Option<String>,
    /// Outbound header; repeat for more
    #[arg(long = "header", value_name = "NAME:VALUE")]
    pub(crate) headers: Vec<String>,
    /// Excerpt of the conversation
    #[arg(long)]
    pub(crate) context: Option<String>,
    /// Who calls; without it, the key's agent
    #[arg(long, value_name = "NAME")]
    pub(crate) agent_name: Option<String>,
    /// Environment, where the key may choose
    #[arg(long)]
    pub(crate) env: Option<String>,
    /// Print the whole answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    /// Files and directories; none or `-` is the standard input
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Read {"id", "text"} or {"id", "body"} per line of the standard input, print {"id", "hits": […]} per line
    #[arg(long, exclusive = true)]
    pub(crate) jsonl: bool,
    /// Print one JSON object per finding: path, line, column, start, end (code points), class, detector, confidence
    #[arg(long)]
    pub(crate) json: bool,
    /// Leave out less certain findings
    #[arg(long, value_name = "LEVEL", default_value = "medium", value_parser = confidence(), ignore_case = true)]
    pub(crate) min_confidence: Confidence,
    /// Only this class; repeat for more
    #[arg(long = "class", value_name = "CLASS", value_parser = class(), ignore_case = true, value_delimiter = ',')]
    pub(crate) classes: Vec<DataClass>,
    /// Show the values themselves
    #[arg(long)]
    pub(crate) reveal: bool,
    /// Lines to show before and after each finding
    #[arg(short = 'C', long, value_name = "LINES", default_value_t = 0)]
    pub(crate) context: usize,
    /// When to use colours; auto is on a terminal without NO_COLOR
    #[arg(long, alias = "color", value_name = "WHEN", default_value = "auto")]
    pub(crate) colour: ColourChoice,
    /// Look into hidden files too
    #[arg(long)]
    pub(crate) hidden: bool,
    /// Look into files that .gitignore and .ignore leave out
    #[arg(long)]
    pub(crate) no_ignore: bool,
    /// Exit with 1 when something is shown
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ColourChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Args)]
pub(crate) struct DetectorsArgs {
    #[command(subcommand)]
    pub(crate) what: DetectorsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DetectorsCommand {
    /// List detectors
    List(ListDetectorsArgs),
    /// Show all there is to know about a detector
    Show {
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Show the examples unmasked
        #[arg(long)]
        reveal: bool,
    },
    /// Say whether a detector finds something in a text and, if not, why (exit code 1); without a text, try every example
    Test {
        /// A detector; without it, every one
        id: Option<String>,
        /// `-` is the standard input
        text: Option<String>,
    },
    /// Print docs/detectors.md
    Page,
}

#[derive(Debug, Args)]
pub(crate) struct ListDetectorsArgs {
    #[arg(long = "class", value_name = "CLASS", value_parser = class(), ignore_case = true, value_delimiter = ',')]
    pub(crate) classes: Vec<DataClass>,
    /// Who issues the value; a part of the name will do
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// A part of the id, the summary, the provider or a keyword
    #[arg(long, value_name = "WORD")]
    pub(crate) search: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn class() -> impl TypedValueParser<Value = DataClass> {
    PossibleValuesParser::new(["secrets", "pii", "phi", "internal"]).try_map(|name| {
        DataClass::ALL.into_iter().find(|c| c.as_str().eq_ignore_ascii_case(&name)).ok_or("no class")
    })
}

fn confidence() -> impl TypedValueParser<Value = Confidence> {
    PossibleValuesParser::new(["low", "medium", "high"]).try_map(|name| {
        Confidence::ALL.into_iter().find(|c| c.as_str().eq_ignore_ascii_case(&name)).ok_or("no level")
    })
}
