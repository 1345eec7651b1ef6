//! A guard with policies of its own, and what leaves it.

use interven_client::{AgentClient, AgentOptions};
use interven_guard::{
    Guard, Judge, LocalJudge, Mode,
    mcp::{Conversation, LockFile, OnInjection, Outcome, PinBook, Post, ServerName},
};
use interven_policy::parse_yaml;
use interven_types::{FailMode, Secret, Timestamp};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const POLICY: &str = "
policies:
  - name: test
    rules:
      - {rule_id: secret, priority: 1, condition: {has_data_class: [SECRETS]}, action: DENY, reason_code: NO_SECRETS}
      - {rule_id: person, priority: 2, condition: {has_data_class: [PII]}, action: SANITIZE, reason_code: NO_PEOPLE}
      - {rule_id: wipe, priority: 3, match: {operations: [wipe]}, action: REQUIRE_APPROVAL, reason_code: ASK_FIRST}
";

pub(crate) const SECRET: &str = "ghp_016C7aB9dE3fG5hJ7kL9mN1pQ3rS5t2sIQYY";

pub(crate) struct World {
    pub(crate) conversation: Arc<Conversation>,
    _directory: tempfile::TempDir,
}

pub(crate) struct Setting {
    pub(crate) fail_mode: FailMode,
    pub(crate) mode: Mode,
    pub(crate) on_injection: OnInjection,
    pub(crate) require_approved: bool,
    pub(crate) is_down: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            fail_mode: FailMode::Closed,
            mode: Mode::Enforce,
            on_injection: OnInjection::Flag,
            require_approved: false,
            is_down: false,
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Setting::default())
    }

    pub(crate) fn with(setting: Setting) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let judge = if setting.is_down {
            // Nobody listens on the port for tcpmux.
            let options = AgentOptions {
                gateway_url: Some("http://127.0.0.1:1".to_owned()),
                api_key: Some(Secret::new("iv_live_x")),
                retries: Some(0),
                fail_mode: Some(setting.fail_mode),
                ..AgentOptions::default()
            };
            Judge::Gateway(AgentClient::new(options.over(|_| None).unwrap()).unwrap())
        } else {
            Judge::Local(Box::new(LocalJudge::new(&parse_yaml(POLICY, "test").unwrap()).unwrap()))
        };
        let guard = Guard { judge, mode: setting.mode, wait: Duration::ZERO };
        let server = ServerName::new("files").unwrap();
        let file = LockFile::new(directory.path().join("pins.lock"));
        let now = || Timestamp::from_unix_ms(1_800_000_000_000);
        let post = Post {
            is_open: setting.fail_mode == FailMode::Open,
            guard,
            pins: PinBook::new(file, server.clone(), setting.require_approved, now),
            server,
            on_injection: setting.on_injection,
            tell: |_| {},
        };
        Self { conversation: Arc::new(Conversation::new(Arc::new(post))), _directory: directory }
    }

    pub(crate) async fn client_says(&self, frame: &str) -> Said {
        let intake = self.conversation.from_client(frame.as_bytes().to_vec());
        Said::of(self.conversation.settle(intake).await.finish())
    }

    pub(crate) async fn server_says(&self, frame: &str) -> Said {
        let intake = self.conversation.from_server(frame.as_bytes().to_vec());
        Said::of(self.conversation.settle(intake).await.finish())
    }

    /// Asks and answers; what the client gets in the end.
    pub(crate) async fn answer_to(&self, method: &str, params: &Value, answer: &str) -> Said {
        let request = json!({"jsonrpc": "2.0", "id": "q", "method": method, "params": params}).to_string();
        let asked = self.client_says(&request).await;
        assert_eq!(asked.onward.as_deref(), Some(request.as_str()));
        self.server_says(&format!(r#"{{"jsonrpc":"2.0","id":"q",{answer}}}"#)).await
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) onward: Option<String>,
    pub(crate) back: Option<String>,
}

impl Said {
    fn of(outcome: Outcome) -> Self {
        let text = |bytes: Option<Vec<u8>>| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        Self { onward: text(outcome.onward), back: text(outcome.back) }
    }

    /// What the model reads of the guard's own answer.
    pub(crate) fn refusal(&self) -> String {
        assert_eq!(self.onward, None);
        let answer: Value = serde_json::from_str(self.back.as_deref().unwrap()).unwrap();
        if let Some(error) = answer.get("error") {
            return format!("error {} {}", error["code"], error["message"].as_str().unwrap());
        }
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn call(id: &str, tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    )
}
