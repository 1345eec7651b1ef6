//! Measures what the classifier finds, misses and wrongly flags, and prints Markdown tables.
//!
//! Labelled corpora and benign bodies are read from the directories given; nothing of them is part of the product.
//! Planted values are made from a seed, which is printed, so that a run can be repeated.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

mod bands;
mod benign;
mod carriers;
mod corpora;
mod decodings;
mod finder;
mod planted;
mod rows;
mod table;
mod values;

use std::path::PathBuf;

use bench::Random;
use clap::Parser;

use bands::Bands;
use finder::Finder;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// Labelled rows: every `.jsonl` and `.jsonl.gz` file in it
    #[arg(long, value_name = "DIR")]
    corpora: Option<PathBuf>,
    /// Bodies that carry nothing sensitive, a file per family
    #[arg(long, value_name = "DIR")]
    benign: Option<PathBuf>,
    /// Print this many of the worst misses and false alarms of each kind
    #[arg(long, default_value_t = 0, value_name = "N")]
    wrong: usize,
    /// Where the planted values start
    #[arg(long, default_value_t = 20_261_122)]
    seed: u64,
    /// Fresh values of each kind
    #[arg(long, default_value_t = 40)]
    values: usize,
}

fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    let finder = Finder::builtin();
    let mut bands = Bands::default();

    println!("Seed {}, {} values of each kind.\n", asked.seed, asked.values);
    println!("### Detectors\n\n{}", finder.count_detectors());
    match rows::read_directory(asked.corpora.as_deref())? {
        Ok(files) => println!("### Corpora\n\n{}", corpora::score(&finder, &files, &mut bands, asked.wrong)),
        Err(absent) => println!("Corpora: {absent}, skipped.\n"),
    }
    match rows::read_directory(asked.benign.as_deref())? {
        Ok(files) => {
            println!("### Benign bodies\n\n{}", benign::score(&finder, &files, &mut bands, asked.wrong))
        }
        Err(absent) => println!("Benign bodies: {absent}, skipped.\n"),
    }
    println!("### Precision by confidence\n\n{bands}");
    let mut random = Random::from_seed(asked.seed);
    println!("### Planted values\n\n{}", planted::score(&finder, asked.values, &mut random, asked.wrong));
    Ok(())
}
