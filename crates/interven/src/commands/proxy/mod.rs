//! `interven proxy`: judge the calls of an agent that cannot be changed.

mod ca;

use crate::{
    cli::{ProxyArgs, ProxyCommand, ProxyMode, ProxyRunArgs},
    connect,
    exit::{Exit, UsageError},
    secret_source::secret_variable,
    serve::{on_signal, stopped},
    terminal::print,
};
use anyhow::{Context as _, Result, anyhow};
use interven_guard::{
    Mode,
    proxy::{Limits, Options, Proxy, trust},
};
use interven_types::FailMode;
use std::{io::IsTerminal as _, sync::Arc, time::Duration};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

const TOKEN: &str = "INTERVEN_PROXY_TOKEN";

pub(crate) async fn run(args: ProxyArgs) -> Result<Exit> {
    match args.what {
        Some(ProxyCommand::Ca(command)) => ca::run(command),
        None => serve(args.run).await,
    }
}

async fn serve(args: ProxyRunArgs) -> Result<Exit> {
    let token = secret_variable(TOKEN)?;
    if token.is_none() && !args.listen.ip().is_loopback() {
        let problem = format!(
            "whoever reaches {} could call anything through it; set {TOKEN}, or listen on 127.0.0.1",
            args.listen
        );
        return Err(UsageError(problem).into());
    }
    let mode = match args.mode {
        ProxyMode::Enforce => Mode::Enforce,
        ProxyMode::Monitor => Mode::Monitor,
    };
    let more = match &args.upstream_ca {
        Some(path) => {
            let read = std::fs::read_to_string(path);
            Some(read.with_context(|| format!("`{}` cannot be read", path.display()))?)
        }
        None => None,
    };
    let options = Options {
        guard: connect::guard(&args.guard, "proxy", mode)?,
        ca: if args.tls_inspect { Some(ca::read(&args.ca)?) } else { None },
        token,
        names: args.hosts,
        trust: trust(more.as_deref()).map_err(|problem| anyhow!("--upstream-ca: {problem}"))?,
        limits: Limits {
            body_bytes: args.max_body_bytes,
            idle: Duration::from_secs(args.idle_timeout),
            ..Limits::default()
        },
    };
    start_logging()?;
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        UsageError(format!("cannot listen on {}: {error}; name another with --listen", args.listen))
    })?;
    let address = listener.local_addr().context("the listener has no address")?;
    let is_open = options.guard.fail_mode() == FailMode::Open;
    let proxy = Arc::new(Proxy::new(options, address));
    print(&banner(&address.to_string(), mode, args.tls_inspect, is_open))?;
    proxy.serve(listener, stopped(on_signal()?)).await;
    Ok(Exit::Ok)
}

fn banner(address: &str, mode: Mode, looks_into_tls: bool, is_open: bool) -> String {
    let mode = match mode {
        Mode::Enforce => "calls that are not allowed do not go",
        Mode::Monitor => "ONLY WATCHING: every call goes",
    };
    let without_judge = match is_open {
        true => "FAIL OPEN: while nobody can judge, calls go unjudged",
        false => "while nobody can judge, no call goes",
    };
    let https = match looks_into_tls {
        true => "looked into; agents must trust `interven proxy ca path`",
        false => "tunnels are judged by host and port alone; --tls-inspect looks into them",
    };
    format!(
        "interven proxy on http://{address}/ (live page)\n  {mode}; {without_judge}\n  HTTPS: {https}\n\
         \n  http://{address}/proxy/https://host/path\n  HTTP_PROXY=http://{address} HTTPS_PROXY=http://{address}\n"
    )
}

fn start_logging() -> Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = lines.with_ansi(std::io::stderr().is_terminal()).try_init();
    started.map_err(|error| anyhow!("logging cannot start: {error}"))
}
