//! Load in two shapes: at a fixed rate of arrivals, or as fast as answers come.
//!
//! At a fixed rate a request's latency counts from the moment it was due, not from the moment a connection was free for
//! it: a gateway that stalls makes the requests behind the stall late, and their wait is part of what callers feel.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use hyper::StatusCode;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::bodies::Bodies;
use crate::connection::{Connection, Target};
use crate::latency::Latencies;
use crate::receipt::Receipt;

const MOST_CONNECTIONS: usize = 1024;
const HIGHEST_RATE: f64 = 1e6;
const LONGEST: Duration = Duration::from_secs(3600);
/// How long past the end arrivals that wait are still sent; the rest counts as unsent.
const DRAIN: Duration = Duration::from_secs(10);
/// Between attempts to reach a service that is not there.
const RETRY: Duration = Duration::from_millis(10);

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// Open model: arrivals per second, whatever the answers do.
    Arrivals(f64),
    /// Closed model: each connection sends its next request when it has its answer.
    AsAnswered,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub target: Target,
    pub pace: Pace,
    pub duration: Duration,
    /// Load of the same shape that goes before and is not counted.
    pub warm_up: Duration,
    pub connections: usize,
    pub bodies: Arc<Bodies>,
}

#[derive(Debug)]
pub struct Report {
    /// From due to answered; scans that were answered with a receipt.
    pub latencies: Latencies,
    /// From due to sent: large when connections, or this program, are the bottleneck.
    pub delays: Latencies,
    pub decisions: BTreeMap<String, u64>,
    pub errors: BTreeMap<String, u64>,
    pub elapsed: Duration,
}

impl Report {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            latencies: Latencies::new()?,
            delays: Latencies::new()?,
            decisions: BTreeMap::new(),
            errors: BTreeMap::new(),
            elapsed: Duration::ZERO,
        })
    }

    /// What several loads came to that ran at the same time.
    ///
    /// # Errors
    /// When their histograms do not fit together.
    pub fn together(reports: &[Self]) -> anyhow::Result<Self> {
        let mut sum = Self::new()?;
        reports.iter().try_for_each(|report| sum.add(report))?;
        sum.elapsed = reports.iter().map(|report| report.elapsed).max().unwrap_or_default();
        Ok(sum)
    }

    /// Scans answered per second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub fn rate(&self) -> f64 {
        self.latencies.count() as f64 / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    #[must_use]
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.latencies.add(&other.latencies)?;
        self.delays.add(&other.delays)?;
        for (mine, theirs) in [(&mut self.decisions, &other.decisions), (&mut self.errors, &other.errors)] {
            for (name, count) in theirs {
                *mine.entry(name.clone()).or_default() += count;
            }
        }
        Ok(())
    }

    fn count_error(&mut self, kind: impl Into<String>, count: u64) {
        *self.errors.entry(kind.into()).or_default() += count;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed.as_secs_f64();
        writeln!(out, "answered  {} in {seconds:.1} s, {:.0}/s", self.latencies.count(), self.rate())?;
        writeln!(out, "latency   {}", self.latencies)?;
        writeln!(out, "due→sent  {}", self.delays)?;
        for (name, counts) in [("decisions", &self.decisions), ("errors", &self.errors)] {
            let counts: Vec<_> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            let shown = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
            writeln!(out, "{name:<9} {shown}")?;
        }
        Ok(())
    }
}

/// Warms up, then measures. Ends at most 20 s after the plan's own time.
///
/// # Errors
/// When the plan is out of bounds, or a task of the generator itself fails. What the target does wrong is in the report.
pub async fn load(plan: &Plan) -> anyhow::Result<Report> {
    ensure!((1..=MOST_CONNECTIONS).contains(&plan.connections), "connections: from 1 to {MOST_CONNECTIONS}");
    ensure!(
        plan.duration <= LONGEST && plan.warm_up <= LONGEST,
        "durations: at most {} s",
        LONGEST.as_secs()
    );
    if let Pace::Arrivals(rate) = plan.pace {
        ensure!(
            rate > 0.0 && rate <= HIGHEST_RATE,
            "arrivals: above 0 and at most {HIGHEST_RATE} per second"
        );
    }
    if plan.warm_up > Duration::ZERO {
        run(plan, plan.warm_up).await?;
    }
    run(plan, plan.duration).await
}

async fn run(plan: &Plan, duration: Duration) -> anyhow::Result<Report> {
    let schedule = Arc::new(Schedule::start(plan.pace, duration, plan.connections));
    let mut workers = JoinSet::new();
    for _ in 0..plan.connections {
        workers.spawn(work(schedule.clone(), plan.target.clone(), plan.bodies.clone()));
    }
    let mut sum = Report::new()?;
    while let Some(report) = workers.join_next().await {
        sum.add(&report??)?;
    }
    sum.elapsed = schedule.start.elapsed();
    let unsent = schedule.count_unsent();
    if unsent > 0 {
        sum.count_error("unsent", unsent);
    }
    Ok(sum)
}

async fn work(schedule: Arc<Schedule>, target: Target, bodies: Arc<Bodies>) -> anyhow::Result<Report> {
    let mut report = Report::new()?;
    let mut connection = None;
    while let Some(turn) = schedule.next().await {
        let sent = Instant::now();
        let answer = exchange(&mut connection, &target, bodies.at(turn.number)).await;
        match answer {
            Ok((StatusCode::OK, body)) => match Receipt::read(&body) {
                Some(receipt) => {
                    report.latencies.record(turn.due.elapsed());
                    report.delays.record(sent.saturating_duration_since(turn.due));
                    *report.decisions.entry(receipt.decision).or_default() += 1;
                }
                None => report.count_error("200 without a receipt", 1),
            },
            Ok((status, _)) => report.count_error(format!("status {}", status.as_u16()), 1),
            Err(error) => {
                let is_late = error.is::<tokio::time::error::Elapsed>();
                report.count_error(if is_late { "timeout" } else { "connection" }, 1);
                connection = None;
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    Ok(report)
}

async fn exchange(
    connection: &mut Option<Connection>,
    target: &Target,
    body: Bytes,
) -> anyhow::Result<(StatusCode, Bytes)> {
    let open = match connection {
        Some(open) => open,
        None => connection.insert(Connection::open(target).await?),
    };
    open.scan(body).await
}

struct Turn {
    number: u64,
    due: Instant,
}

struct Schedule {
    start: Instant,
    next: AtomicU64,
    timing: Timing,
}

enum Timing {
    /// A permit for each arrival that is due, given out by a thread: the runtime's timer ticks in milliseconds, which
    /// would be most of what is measured.
    Arrivals {
        due: Arc<Semaphore>,
        total: u64,
        per_second: f64,
        close: Instant,
    },
    Until(Instant),
}

impl Schedule {
    fn start(pace: Pace, duration: Duration, workers: usize) -> Self {
        let start = Instant::now();
        let timing = match pace {
            Pace::AsAnswered => Timing::Until(start + duration),
            Pace::Arrivals(per_second) => {
                let total = arrivals_within(duration, per_second);
                let due = Arc::new(Semaphore::new(0));
                let permits = due.clone();
                std::thread::spawn(move || release(&permits, start, per_second, total, workers));
                Timing::Arrivals { due, total, per_second, close: start + duration + DRAIN }
            }
        };
        Self { start, next: AtomicU64::new(0), timing }
    }

    async fn next(&self) -> Option<Turn> {
        match &self.timing {
            Timing::Until(end) => {
                let due = Instant::now();
                (due < *end).then(|| Turn { number: self.next.fetch_add(1, Ordering::Relaxed), due })
            }
            Timing::Arrivals { due, total, per_second, close } => {
                due.acquire().await.ok()?.forget();
                if Instant::now() > *close {
                    return None;
                }
                let number = self.next.fetch_add(1, Ordering::Relaxed);
                (number < *total).then(|| Turn { number, due: due_at(self.start, number, *per_second) })
            }
        }
    }

    fn count_unsent(&self) -> u64 {
        match &self.timing {
            Timing::Until(_) => 0,
            Timing::Arrivals { total, .. } => total.saturating_sub(self.next.load(Ordering::Relaxed)),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bounded by `HIGHEST_RATE` and `LONGEST`"
)]
fn arrivals_within(duration: Duration, per_second: f64) -> u64 {
    (duration.as_secs_f64() * per_second).ceil() as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn due_at(start: Instant, number: u64, per_second: f64) -> Instant {
    start + Duration::from_secs_f64(number as f64 / per_second)
}

/// Gives a permit when an arrival is due, and at the end one to each worker that waits, so that it sees the end.
fn release(permits: &Semaphore, start: Instant, per_second: f64, total: u64, workers: usize) {
    for number in 0..total {
        let wait = due_at(start, number, per_second).saturating_duration_since(Instant::now());
        if wait > Duration::ZERO {
            std::thread::sleep(wait);
        }
        permits.add_permits(1);
    }
    permits.add_permits(workers);
}

#[cfg(test)]
mod tests {
    use super::{Pace, Plan, Report, load};
    use crate::bodies::Bodies;
    use crate::connection::Target;
    use crate::null::null_service;
    use axum::Router;
    use axum::routing::post;
    use std::sync::Arc;
    use std::time::Duration;

    async fn listen(service: Router) -> Target {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, service).await });
        Target::new(&base, Some("iv_live_key")).unwrap()
    }

    async fn measure(target: Target, pace: Pace, milliseconds: u64) -> Report {
        let plan = Plan {
            target,
            pace,
            duration: Duration::from_millis(milliseconds),
            warm_up: Duration::ZERO,
            connections: 2,
            bodies: Arc::new(Bodies::of_mix(&"400".parse().unwrap())),
        };
        load(&plan).await.unwrap()
    }

    #[tokio::test]
    async fn a_fixed_rate_sends_exactly_what_is_due() {
        let report = measure(listen(null_service()).await, Pace::Arrivals(200.0), 250).await;
        assert_eq!((report.latencies.count(), report.error_count()), (50, 0));
        assert_eq!(report.decisions.get("ALLOW"), Some(&50));
        assert!(report.elapsed >= Duration::from_millis(240), "{:?}", report.elapsed);
    }

    #[tokio::test]
    async fn a_stall_makes_the_requests_behind_it_late() {
        // Two connections, ten requests due within 10 ms, 50 ms each: the last pair waits for four others.
        let slow = Router::new().route(
            "/v1/scan",
            post(async || {
                tokio::time::sleep(Duration::from_millis(50)).await;
                r#"{"decision":"ALLOW","trace_id":"t","ledger_seq":1}"#
            }),
        );
        let report = measure(listen(slow).await, Pace::Arrivals(1000.0), 10).await;
        assert_eq!(report.latencies.count(), 10);
        assert!(report.latencies.longest_milliseconds() >= 240.0, "{report}");
        assert!(report.delays.longest_milliseconds() >= 190.0, "{report}");
    }

    #[tokio::test]
    async fn connections_that_wait_for_answers_send_until_the_end() {
        let report = measure(listen(null_service()).await, Pace::AsAnswered, 100).await;
        assert!(report.latencies.count() > 2, "{report}");
        assert_eq!(report.error_count(), 0);
    }

    #[tokio::test]
    async fn wrong_answers_are_errors_by_kind() {
        let refusing =
            Router::new().route("/v1/scan", post(async || axum::http::StatusCode::TOO_MANY_REQUESTS));
        let report = measure(listen(refusing).await, Pace::Arrivals(100.0), 50).await;
        assert_eq!((report.latencies.count(), report.errors.get("status 429")), (0, Some(&5)));

        let vague = Router::new().route("/v1/scan", post(async || "{}"));
        let report = measure(listen(vague).await, Pace::Arrivals(100.0), 50).await;
        assert_eq!((report.latencies.count(), report.errors.get("200 without a receipt")), (0, Some(&5)));

        let nobody = Target::new("http://127.0.0.1:1", None).unwrap();
        let report = measure(nobody, Pace::Arrivals(100.0), 50).await;
        assert_eq!((report.latencies.count(), report.errors.get("connection")), (0, Some(&5)));
    }

    #[tokio::test]
    async fn a_plan_out_of_bounds_is_refused() {
        let target = Target::new("http://127.0.0.1:1", None).unwrap();
        let plan = |pace, connections| Plan {
            target: target.clone(),
            pace,
            duration: Duration::ZERO,
            warm_up: Duration::ZERO,
            connections,
            bodies: Arc::new(Bodies::of_mix(&"400".parse().unwrap())),
        };
        for plan in [
            plan(Pace::AsAnswered, 0),
            plan(Pace::AsAnswered, 100_000),
            plan(Pace::Arrivals(0.0), 1),
            plan(Pace::Arrivals(f64::NAN), 1),
        ] {
            assert!(load(&plan).await.is_err());
        }
    }
}
