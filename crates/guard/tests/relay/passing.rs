//! Whatever is no business of the guard's passes byte for byte.

use crate::world::{Said, World};
use proptest::prelude::*;

/// JSON in odd but valid forms: blanks, escapes, numbers of any size, doubled members.
fn json() -> impl Strategy<Value = String> {
    let blank = prop::sample::select(vec!["", " ", "\t", "  "]);
    let number = "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?";
    let string = "\"([a-zA-Zé\u{200b}漢 ]|\\\\[nrtbf\"\\\\/]|\\\\u[0-9a-fA-F]{4}){0,12}\"";
    let leaf = prop_oneof![number, string, Just("true".to_owned()), Just("null".to_owned())];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        let items = prop::collection::vec(inner.clone(), 0..5);
        let members = prop::collection::vec(("[a-z]{1,3}", inner), 0..5);
        prop_oneof![
            (items, blank.clone())
                .prop_map(|(items, blank)| format!("[{blank}{}{blank}]", items.join(&format!(",{blank}")))),
            (members, blank.clone()).prop_map(|(members, blank)| {
                let members: Vec<String> = members
                    .into_iter()
                    .map(|(name, value)| format!("\"{name}\"{blank}:{blank}{value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn method() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "ping",
            "resources/list",
            "completion/complete",
            "logging/setLevel",
            "notifications/progress"
        ])
        .prop_map(str::to_owned),
        "[a-z]{1,8}/[a-zA-Z_]{1,8}"
            .prop_filter("inspected", |name| !name.starts_with("tools/") && !name.starts_with("tasks/")),
    ]
}

fn passes(
    runtime: &tokio::runtime::Runtime,
    world: &World,
    is_client: bool,
    frame: &str,
) -> Result<(), TestCaseError> {
    let said = runtime.block_on(async {
        if is_client { world.client_says(frame).await } else { world.server_says(frame).await }
    });
    prop_assert_eq!(said, Said { onward: Some(frame.to_owned()), back: None });
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn other_methods_fields_and_number_forms_pass(
        method in method(),
        id in prop_oneof!["[1-9][0-9]{0,17}", "\"[a-z0-9-]{1,12}\""],
        params in json(),
        result in json(),
        other in json(),
        blank in prop::sample::select(vec!["", " ", "\t "]),
        end in prop::sample::select(vec!["", "\n", "\r\n"]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let world = World::new();
        for (is_client, frame) in [
            (true, format!("{blank}{{\"zz\":{other},\"id\":{id},{blank}\"method\":\"{method}\",\"params\":{params}}}{end}")),
            (false, format!("{{\"result\":{result},\"jsonrpc\":\"2.0\",\"id\"{blank}:{id},\"extra\":{other}}}{end}")),
            (false, format!("{{\"method\":\"{method}\",\"params\":{params},\"x\":{other}}}{end}")),
            (false, format!("{{\"method\":\"{method}\",\"id\":{id},\"params\":{params}}}{end}")),
            (true, format!("{{\"id\":{id},\"result\":{result}{blank}}}{end}")),
            (true, format!("{{\"params\":{params},\"method\":\"{method}\"}}{end}")),
        ] {
            passes(&runtime, &world, is_client, &frame)?;
        }
    }

    #[test]
    fn results_without_orders_pass(result in json()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let world = World::new();
        runtime.block_on(world.client_says(&crate::world::call("1", "read", "{}")));
        passes(&runtime, &world, false, &format!("{{\"id\":1,\"result\":{result}}}\n"))?;
    }

    #[test]
    fn no_bytes_bring_the_guard_down(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let world = World::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let intake = world.conversation.from_client(bytes.clone());
            world.conversation.settle(intake).await.finish();
            world.conversation.from_server(bytes).finish();
        });
    }
}
