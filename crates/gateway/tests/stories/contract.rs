//! The API description, and what stands in it.

use crate::world::{Answer, World};
use serde_json::{Value, json};

#[tokio::test]
async fn the_description_that_is_served_is_the_generated_one() {
    let world = World::start().await;
    let served = Answer::read(
        interven_testkit::http_client().get(format!("{}/openapi.json", world.url())).send().await.unwrap(),
    )
    .await;
    assert_eq!(served.body, serde_json::to_value(interven_gateway::openapi()).unwrap());
}

#[tokio::test]
async fn every_guarded_operation_refuses_a_caller_without_a_key() {
    let world = World::start().await;
    let api = serde_json::to_value(interven_gateway::openapi()).unwrap();
    let mut open = Vec::new();
    for (path, operations) in api["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let url = format!(
                "{}{}",
                world.url(),
                path.replace("{id}", "0190a000-0000-7000-8000-000000000000").replace("{name}", "x")
            );
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let answer =
                Answer::read(interven_testkit::http_client().request(method, url).send().await.unwrap())
                    .await;
            if operation.get("security").is_some() {
                assert_eq!((answer.status, answer.code()), (401, "INVALID_KEY"), "{path}");
            } else {
                assert_eq!(answer.status, 200, "{path}");
                open.push(path.as_str());
            }
        }
    }
    assert_eq!(open, ["/debug/build", "/health", "/mcp/tools/list", "/metrics", "/openapi.json"]);
}

#[tokio::test]
async fn build_health_and_metrics_tell_what_runs() {
    let world = World::start().await;
    world.agent("bot").await.say("hi").await;
    let get = async |path: &str| {
        Answer::read(
            interven_testkit::http_client().get(format!("{}{path}", world.url())).send().await.unwrap(),
        )
        .await
    };
    let build = get("/debug/build").await.body;
    assert_eq!(build["secret_patterns_hash"].as_str().unwrap().len(), 64);
    assert!(build["secret_patterns_count"].as_u64().unwrap() >= 80);
    assert_eq!((&build["store"], &build["policy_schema_version"]), (&json!("sqlite"), &json!(1)));
    assert_eq!(get("/health").await.body["status"], "ok");
    let Value::String(metrics) = get("/metrics").await.body else { panic!("metrics are text") };
    assert!(metrics.contains("interven_decisions_total{decision=\"ALLOW\"} 1"), "{metrics}");
    assert!(metrics.contains("interven_not_judged_total{what=\"engine\"}"), "{metrics}");
}

#[tokio::test]
async fn unknown_paths_and_methods_say_where_to_look() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let nowhere = agent.get("/v2/scan").await;
    assert_eq!((nowhere.status, nowhere.code()), (404, "NOT_FOUND"));
    let wrong = agent.get("/v1/scan").await;
    assert_eq!((wrong.status, wrong.code()), (405, "METHOD_NOT_ALLOWED"));
}
