//! What a client is told.

use super::{
    client::{Client, Dialect},
    event::Event,
};
use crate::Ruling;
use interven_client::ScanAnswer;
use serde_json::{Value, json};

/// What leaves the process.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// One JSON object, or nothing.
    pub stdout: Option<Value>,
    /// For people and, where `code` is 2, for the model.
    pub stderr: Option<String>,
    /// 0, or 2: every client blocks then, whatever else it hears.
    pub code: u8,
    /// Without the standard output this is no answer: when it cannot be written, the call must be blocked.
    pub must_be_heard: bool,
}

/// What the person who runs the hook chose.
#[derive(Debug, Clone, Copy, Default)]
pub struct Manner {
    /// What Interven allows, the client does not ask its user about. Otherwise the client's own rules go on.
    pub answers_allow: bool,
    /// A call that would be rewritten is denied.
    pub never_rewrites: bool,
}

/// In no client's words yet.
enum Say {
    Nothing,
    Allow,
    LetThrough(String),
    Rewrite(Value, String),
    Ask(String),
    Deny(String),
    Fault(String),
}

/// What to say about a call that was judged.
pub fn answer(event: &Event, ruling: &Ruling, manner: Manner) -> Answer {
    let mut said = render(say(event, ruling, manner), event.dialect);
    if ruling.answer().is_some_and(|answer| answer.receipt.is_none()) {
        // The client keeps the standard error for whoever looks; a line of the conversation on every call would be noise.
        said.stderr
            .get_or_insert_default()
            .push_str("interven: judged on this machine; nothing was recorded");
    }
    said
}

/// What to say when there is no event to judge, or no answer in time.
pub fn refuse(client: Client, event: Option<&Event>, reason: &str) -> Answer {
    let dialect = event.map_or(
        match client {
            Client::ClaudeCode => Dialect::Claude,
            Client::Copilot => Dialect::Copilot,
            Client::Cursor => Dialect::CursorTool,
        },
        |event| event.dialect,
    );
    render(Say::Fault(format!("Interven blocked this call: {reason}.")), dialect)
}

fn say(event: &Event, ruling: &Ruling, manner: Manner) -> Say {
    let dialect = event.dialect;
    match ruling {
        Ruling::Go { .. } if manner.answers_allow => Say::Allow,
        Ruling::Go { .. } => Say::Nothing,
        Ruling::LetThrough { fault } => Say::LetThrough(format!(
            "Interven did not judge this call ({fault}). It was let through because fail-open was chosen."
        )),
        Ruling::GoWith { body, answer } => {
            let why = format!("Interven took sensitive values out: {}.", summary(answer));
            let is_same_shape = body.is_object() && event.input.is_object();
            match dialect.can_rewrite() && is_same_shape && !manner.never_rewrites {
                true => Say::Rewrite(body.clone(), why),
                false => Say::Deny(format!(
                    "Interven blocked this call: {}. Send it without the sensitive values.",
                    summary(answer)
                )),
            }
        }
        Ruling::Stop { answer } => Say::Deny(format!("Interven blocked this call: {}.", summary(answer))),
        Ruling::Hold { answer } => held(answer, dialect),
        Ruling::Fault { fault } => {
            Say::Fault(format!("Interven blocked this call, as nobody judged it: {fault}."))
        }
    }
}

fn held(answer: &ScanAnswer, dialect: Dialect) -> Say {
    let summary = summary(answer);
    let Some(id) = answer.approval_id else {
        // Nobody but the client's own user can approve.
        return match dialect.can_ask() {
            true => Say::Ask(format!("Interven wants a person to decide: {summary}.")),
            false => Say::Deny(format!(
                "Interven blocked this call: {summary}. A person must decide it, and this client cannot ask one here."
            )),
        };
    };
    let place = answer.approval_url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
    let until = answer.expires_at.map(|at| format!(" before {at}")).unwrap_or_default();
    Say::Deny(format!(
        "Interven holds this call: {summary}. A person must approve it{place} (approval {id}: `interven approvals approve \
         {id}`){until}; the identical call passes then."
    ))
}

/// `shell.read_secret_file: KEY_FILE_BLOCKED (rule Vibe coder / Secrets, key-file; trace …)`, and never a value of the call.
fn summary(answer: &ScanAnswer) -> String {
    let mut text = format!("{}.{}", answer.tool_name, answer.operation);
    if !answer.reason_codes.is_empty() {
        text.push_str(": ");
        text.push_str(&answer.reason_codes.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(", "));
    }
    let mut origin = Vec::new();
    if let (Some(policy), Some(rule)) = (&answer.policy_name, &answer.rule_id) {
        origin.push(format!("rule {policy}, {rule}"));
    }
    match &answer.receipt {
        Some(receipt) => origin.push(format!("trace {}", receipt.trace_id)),
        None => origin.push("judged on this machine, nothing was recorded".to_owned()),
    }
    format!("{text} ({})", origin.join("; "))
}

fn render(say: Say, dialect: Dialect) -> Answer {
    let silent = Answer { stdout: None, stderr: None, code: 0, must_be_heard: false };
    let heard = |stdout| Answer { stdout: Some(stdout), must_be_heard: true, ..silent.clone() };
    match dialect {
        Dialect::Claude | Dialect::VsCode => {
            let decided = |decision: &str, reason: String, input: Option<Value>| {
                let mut output = json!({
                    "hookEventName": "PreToolUse",
                    "permissionDecision": decision,
                    "permissionDecisionReason": reason,
                });
                if let (Some(input), Some(output)) = (input, output.as_object_mut()) {
                    output.insert("updatedInput".to_owned(), input);
                }
                heard(json!({ "hookSpecificOutput": output }))
            };
            match say {
                Say::Nothing => silent,
                // Not needed: without it the client asks its user.
                Say::Allow => Answer { must_be_heard: false, ..decided("allow", ALLOWED.to_owned(), None) },
                Say::LetThrough(note) => {
                    Answer { stdout: Some(json!({ "systemMessage": note })), stderr: Some(note), ..silent }
                }
                Say::Rewrite(input, reason) => decided("allow", reason, Some(input)),
                Say::Ask(reason) => decided("ask", reason, None),
                Say::Deny(reason) => decided("deny", reason, None),
                Say::Fault(reason) => Answer { stderr: Some(reason), code: 2, ..silent },
            }
        }
        Dialect::Copilot => {
            let decided = |decision: &str, reason: String, input: Option<Value>| {
                let mut output =
                    json!({ "permissionDecision": decision, "permissionDecisionReason": reason });
                if let (Some(input), Some(output)) = (input, output.as_object_mut()) {
                    output.insert("modifiedArgs".to_owned(), input);
                }
                heard(output)
            };
            match say {
                Say::Nothing => silent,
                Say::Allow => Answer { must_be_heard: false, ..decided("allow", ALLOWED.to_owned(), None) },
                Say::LetThrough(note) => Answer { stderr: Some(note), ..silent },
                Say::Rewrite(input, reason) => decided("allow", reason, Some(input)),
                Say::Ask(reason) | Say::Deny(reason) => decided("deny", reason, None),
                // Older versions go on after an exit code and stop at this; newer ones stop at both.
                Say::Fault(reason) => {
                    Answer { stderr: Some(reason.clone()), ..decided("deny", reason, None) }
                }
            }
        }
        Dialect::CursorTool | Dialect::CursorGate | Dialect::CursorRead => {
            // The reference has had two forms of this answer: `permission` and `user_message`, `decision` and `reason`. With
            // `failClosed`, silence blocks, so that an ALLOW is said.
            let decided = |permission: &str, message: Option<String>, input: Option<Value>| {
                let mut output = json!({ "permission": permission });
                if let Some(fields) = output.as_object_mut() {
                    if dialect == Dialect::CursorTool {
                        fields.insert("decision".to_owned(), permission.into());
                    }
                    if let Some(message) = message {
                        if dialect == Dialect::CursorTool {
                            fields.insert("reason".to_owned(), message.clone().into());
                        }
                        fields.insert("agent_message".to_owned(), message.clone().into());
                        fields.insert("user_message".to_owned(), message.into());
                    }
                    if let Some(input) = input {
                        fields.insert("updated_input".to_owned(), input);
                    }
                }
                heard(output)
            };
            match say {
                Say::Nothing | Say::Allow => decided("allow", None, None),
                Say::LetThrough(note) => {
                    Answer { stderr: Some(note.clone()), ..decided("allow", Some(note), None) }
                }
                Say::Rewrite(input, reason) => decided("allow", Some(reason), Some(input)),
                Say::Ask(reason) => decided("ask", Some(reason), None),
                Say::Deny(reason) => decided("deny", Some(reason), None),
                Say::Fault(reason) => {
                    Answer { stderr: Some(reason.clone()), ..decided("deny", Some(reason), None) }
                }
            }
        }
    }
}

const ALLOWED: &str = "Interven allowed it.";
