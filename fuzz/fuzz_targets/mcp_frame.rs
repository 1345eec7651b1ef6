//! MCP frames, descriptors and clients' files: whatever a server, a client or a person writes.

#![no_main]

use interven_guard::mcp::{
    Descriptor, Frame, Hidden, Kind, Message, ServerName, ToolCall, find_hidden,
    install::{Plan, Wrapping, install, uninstall},
    reveal,
};
use interven_types::parse_json;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    match Frame::read(bytes) {
        Frame::One(message) => look(&message),
        Frame::Batch(messages) => messages.iter().for_each(look),
        Frame::Blank | Frame::Unreadable(_) => {}
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // What is shown to a person hides nothing.
    assert!(find_hidden(&reveal(text)).iter().all(|hidden| *hidden == Hidden::PushedAside));
    if let Ok(descriptor) = Descriptor::read(text) {
        let again = Descriptor::from_value(descriptor.pinned().clone()).expect("it has a name");
        assert_eq!(again.fingerprint(), descriptor.fingerprint());
        descriptor.texts();
        descriptor.parameters();
        descriptor.mirrored();
    }
    let wrapping = Wrapping { program: "/interven".into(), options: Vec::new(), environment: [].into() };
    if let Ok(edited) = install(text, "mcpServers", &Plan::Wrap, &wrapping) {
        let again = install(&edited.text, "mcpServers", &Plan::Wrap, &wrapping)
            .expect("what was written can be read");
        assert_eq!(again.text, edited.text);
        uninstall(&edited.text, "mcpServers", None).expect("what was put in can be taken out");
    }
});

fn look(message: &Message<'_>) {
    let Kind::Request { params, .. } = &message.kind else { return };
    let Ok(call) = ToolCall::read(None, message.text, *params) else { return };
    let server = ServerName::new("fuzzed").expect("a name");
    assert!(call.to_request(&server).url.is_ascii());
    if let Some(at) = call.arguments_at {
        let arguments = parse_json(message.text[at].as_bytes()).expect("it stands there");
        assert_eq!(arguments, call.arguments);
    }
}
