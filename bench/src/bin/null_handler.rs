//! A bare axum handler that parses a scan and answers: what a gateway's throughput is measured against.
//!
//! Prints its base address on the first line.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use bench::null_service;
use clap::Parser;
use tokio::net::TcpListener;

#[derive(Parser)]
#[command(about)]
struct Arguments {
    /// The port on 127.0.0.1; 0 takes one that is free
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", Arguments::parse().port)).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, null_service()).await?)
}
