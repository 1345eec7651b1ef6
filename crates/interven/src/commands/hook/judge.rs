//! From an event to its answer, within the hook's own deadline.

use super::timeout;
use crate::{
    cli::{GuardArgs, HookArgs},
    connect,
    secret_source::secret_variable,
};
use anyhow::{Result, ensure};
use interven_classify::Classifier;
use interven_guard::{
    Fault, Guard, Judge, LocalJudge, Mode, Ruling,
    hook::{Answer, Client, Event, Manner, answer, refuse},
};
use interven_normalize::vocabulary;
use interven_policy::pack;
use interven_types::FailMode;
use std::{
    env,
    future::Future,
    io::{self, Read as _},
    thread,
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

pub(crate) const DEFAULT_PACK: &str = "vibe-coder";

pub(super) fn judge(client: Client, args: HookArgs) -> Answer {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(client, None, &format!("there is no thread to run on: {error}")),
    };
    runtime.block_on(async {
        tokio::select! {
            answer = judge_in_time(client, args) => answer,
            () = stopped() => refuse(client, None, "the hook was stopped before it had an answer"),
        }
    })
}

async fn judge_in_time(client: Client, mut args: HookArgs) -> Answer {
    let manner = Manner { answers_allow: args.answer_allow, never_rewrites: args.no_rewrite };
    let timeout = match timeout(&args) {
        Ok(timeout) => timeout,
        Err(error) => return refuse(client, None, &error.to_string()),
    };
    let start = Instant::now();
    if let Err(error) = name_judge(&mut args.judge) {
        return refuse(client, None, &format!("{error:#}"));
    }
    if args.judge.local {
        read_tables();
    }
    let bytes = match timeout_at(start + timeout, read_stdin()).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            return refuse(client, None, &format!("the standard input cannot be read: {error}"));
        }
        Err(_) => return refuse(client, None, &format!("the event did not end {}", within(timeout))),
    };
    let event = match Event::read(client, &bytes) {
        Ok(event) => event,
        Err(problem) => return refuse(client, None, &problem.to_string()),
    };
    let guard = match guard(client, &args) {
        Ok(guard) => guard,
        Err(error) => return refuse(client, Some(&event), &format!("{error:#}")),
    };
    let deadline = start + timeout + guard.wait;
    let ruling = match timeout_at(deadline, guard.ask(&event.to_request())).await {
        Ok(ruling) => ruling,
        Err(_) => late(&guard, timeout),
    };
    answer(&event, &ruling, manner)
}

fn late(guard: &Guard, timeout: Duration) -> Ruling {
    let fault =
        Fault { code: "TIMEOUT".to_owned(), message: format!("there was no verdict {}", within(timeout)) };
    match guard.fail_mode() {
        FailMode::Open => Ruling::LetThrough { fault },
        FailMode::Closed => Ruling::Fault { fault },
    }
}

fn within(timeout: Duration) -> String {
    format!("within {} ms", timeout.as_millis())
}

/// The shipped detectors and tables of tools are large texts: they are read side by side, while the event and the policies
/// are. Without a thread for that, whoever needs them first reads them.
fn read_tables() {
    let _ = thread::Builder::new().spawn(Classifier::builtin);
    let _ = thread::Builder::new().spawn(vocabulary);
}

/// With no server named, this process judges.
pub(crate) fn name_judge(args: &mut GuardArgs) -> Result<()> {
    args.local |= !is_server_named(args.server.as_deref(), args.data_dir.is_some())?;
    Ok(())
}

fn guard(client: Client, args: &HookArgs) -> Result<Guard> {
    let args = &args.judge;
    if !args.local || !args.packs.is_empty() {
        return connect::guard(args, client.as_str(), Mode::Enforce);
    }
    // Shipped, and so checked by the tests: checking it again would take a third of the hook's time.
    let policies = pack(DEFAULT_PACK).map(|pack| pack.policies()).unwrap_or_default();
    ensure!(!policies.is_empty(), "the pack `{DEFAULT_PACK}` cannot be read");
    let judge = Judge::Local(Box::new(LocalJudge::new(&policies)?));
    Ok(Guard { judge, mode: Mode::Enforce, wait: Duration::ZERO })
}

pub(super) fn is_server_named(server: Option<&str>, has_data_dir: bool) -> Result<bool> {
    let is_set = |name: &str| env::var(name).is_ok_and(|text| !text.trim().is_empty());
    Ok(has_data_dir
        || server.is_some_and(|server| !server.trim().is_empty())
        || is_set("INTERVEN_GATEWAY")
        || secret_variable("INTERVEN_API_KEY")?.is_some())
}

/// All of it, up to one byte more than an event may have. On a thread of its own, as nothing ends a read that waits for a client
/// which never closes its end.
async fn read_stdin() -> io::Result<Vec<u8>> {
    let (done, read) = oneshot::channel();
    thread::Builder::new().spawn(move || {
        let mut bytes = Vec::new();
        let limit = Event::MAX_BYTES as u64 + 1;
        let result = io::stdin().lock().take(limit).read_to_end(&mut bytes).map(|_| bytes);
        let _ = done.send(result);
    })?;
    read.await.unwrap_or_else(|_| Err(io::Error::other("its reader is gone")))
}

/// The client, or the system, wants the process to end. Ended by a signal it would not block.
fn stopped() -> impl Future<Output = ()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
        let signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
        async {
            let mut signals = signals;
            let any = std::future::poll_fn(|context| {
                match signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
                    true => std::task::Poll::Ready(()),
                    false => std::task::Poll::Pending,
                }
            });
            any.await;
        }
    }
    #[cfg(not(unix))]
    std::future::pending()
}
