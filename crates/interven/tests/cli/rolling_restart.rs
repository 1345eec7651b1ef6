//! Gateways are restarted one after the other while agents ask: no scan fails.
//!
//! Between the agents and the gateways stands what any load balancer does: it looks at `/health` often, sends to those that
//! are healthy, does not use a connection again after `Connection: close`, and tries another gateway when it could not
//! connect (nothing was sent then). A request that was sent is never sent again.

use crate::fleet::{Fleet, READ};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

/// Much shorter than half of the drain delay.
const LOOK: Duration = Duration::from_millis(50);
const AGENTS: usize = 4;

struct Balancer {
    http: reqwest::Client,
    gateways: Vec<(String, AtomicBool)>,
    turn: AtomicUsize,
    is_over: AtomicBool,
    /// By gateway.
    answered: Vec<AtomicUsize>,
}

impl Balancer {
    async fn look(self: Arc<Self>) {
        while !self.is_over.load(SeqCst) {
            for (url, is_healthy) in &self.gateways {
                let answer = self.http.get(format!("{url}/health")).send().await;
                is_healthy.store(answer.is_ok_and(|answer| answer.status().is_success()), SeqCst);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Sends scans until it is over, and answers with what went wrong.
    async fn ask(self: Arc<Self>, key: String) -> Vec<String> {
        let mut wrong = Vec::new();
        while !self.is_over.load(SeqCst) {
            let number = self.turn.fetch_add(1, SeqCst) % self.gateways.len();
            let (url, is_healthy) = &self.gateways[number];
            if !is_healthy.load(SeqCst) {
                tokio::task::yield_now().await;
                continue;
            }
            let request = self.http.post(format!("{url}/v1/scan")).bearer_auth(&key);
            match request.json(&json!({"method": "GET", "url": READ})).send().await {
                Ok(answer) if answer.status() == 200 => _ = self.answered[number].fetch_add(1, SeqCst),
                Ok(answer) => wrong.push(format!("{}: {:?}", answer.status(), answer.text().await)),
                Err(error) if error.is_connect() => {}
                Err(error) => wrong.push(format!("{error:?}")),
            }
        }
        wrong
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_scan_fails_while_each_gateway_is_restarted() {
    let mut fleet = Fleet::start(&[("DRAIN_DELAY_SEC", "1")]);
    let key = fleet.tenant_with_key().await;
    let balancer = Arc::new(Balancer {
        http: interven_testkit::http_client(),
        gateways: fleet.gateways.iter().map(|gateway| (gateway.url.clone(), AtomicBool::new(true))).collect(),
        turn: AtomicUsize::new(0),
        is_over: AtomicBool::new(false),
        answered: fleet.gateways.iter().map(|_| AtomicUsize::new(0)).collect(),
    });
    let looking = tokio::spawn(Arc::clone(&balancer).look());
    let agents: Vec<_> = (0..AGENTS).map(|_| tokio::spawn(Arc::clone(&balancer).ask(key.clone()))).collect();
    let answers_again = |number: usize| {
        let balancer = Arc::clone(&balancer);
        async move {
            let before = balancer.answered[number].load(SeqCst);
            while balancer.answered[number].load(SeqCst) < before + 20 {
                tokio::time::sleep(LOOK).await;
            }
        }
    };
    for number in 0..fleet.gateways.len() {
        answers_again(number).await;
        fleet = tokio::task::spawn_blocking(move || {
            fleet.restart(number);
            fleet
        })
        .await
        .unwrap();
        answers_again(number).await;
    }
    balancer.is_over.store(true, SeqCst);
    looking.await.unwrap();
    for agent in agents {
        assert_eq!(agent.await.unwrap(), Vec::<String>::new());
    }
    let answered: usize = balancer.answered.iter().map(|count| count.load(SeqCst)).sum();
    let acknowledged = fleet.sql("SELECT count(*) FROM activity_log").parse::<usize>().unwrap();
    assert!(acknowledged >= answered, "{acknowledged} recorded of {answered}");
}
