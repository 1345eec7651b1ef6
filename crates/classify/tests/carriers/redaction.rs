//! What stands in place of what was found: who is who, what else goes with it, and what is told.

use super::*;
use interven_classify::Redacted;

const EMAILS: [&str; 3] = ["jane.doe@example.co.uk", "john.roe@example.net", "ann.poe@example.org"];

fn redact_all(body: &Value, fields: &[&str]) -> Redacted {
    let fields: Vec<String> = fields.iter().map(|field| (*field).to_owned()).collect();
    let classes = BTreeSet::from(DataClass::ALL);
    let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Medium, fields: &fields };
    Classifier::builtin().redact(body, &plan)
}

#[test]
fn a_reader_can_still_tell_who_is_who() {
    let [jane, john, ann] = EMAILS;
    for (body, expected) in [
        (
            json!([jane, format!("{john} and {jane}"), ann]),
            json!(["[REDACTED:email]", "[REDACTED:email_2] and [REDACTED:email]", "[REDACTED:email_3]"]),
        ),
        // The same value in another spelling or carrier is the same.
        (
            json!({"a": jane, "b": john, "c": jane.to_uppercase(), "d": john.replace('@', "%40")}),
            json!({"a": "[REDACTED:email]", "b": "[REDACTED:email_2]", "c": "[REDACTED:email]", "d": "[REDACTED:email_2]"}),
        ),
        (
            json!({"x": "SSN 536-90-4399", "y": "SSN 536904399", "z": "SSN 601-22-8417"}),
            json!({"x": "SSN [REDACTED:us_ssn]", "y": "SSN [REDACTED:us_ssn]", "z": "SSN [REDACTED:us_ssn_2]"}),
        ),
        (
            json!({jane: 1, john: 2, "n": jane}),
            json!({"[REDACTED:email]": 1, "[REDACTED:email_2]": 2, "n": "[REDACTED:email]"}),
        ),
        // What an earlier redaction left is somebody else.
        (
            json!({"a": "[REDACTED:email_4] wrote", "b": jane}),
            json!({"a": "[REDACTED:email_4] wrote", "b": "[REDACTED:email_5]"}),
        ),
        (
            json!({"a": "[REDACTED:email]", "b": "[REDACTED:nobody_7]", "c": jane}),
            json!({"a": "[REDACTED:email]", "b": "[REDACTED:nobody_7]", "c": "[REDACTED:email_2]"}),
        ),
    ] {
        let redacted = redact_all(&body, &[]).body;
        assert_eq!(redacted, expected, "{body}");
        assert_eq!(redact_all(&redacted, &[]).body, redacted, "{body}");
    }
}

#[test]
fn who_is_who_also_inside_layers() {
    let [jane, john, _] = EMAILS;
    let body = json!({"a": john, "b": STANDARD.encode(gzip(&format!("{jane} to {john}")))});
    let redacted = redact_all(&body, &[]).body;
    let packed = STANDARD.decode(redacted["b"].as_str().unwrap()).unwrap();
    let mut inside = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut inside).unwrap();
    assert_eq!(redacted["a"], "[REDACTED:email]");
    assert_eq!(inside, "[REDACTED:email_2] to [REDACTED:email]");
}

#[test]
fn a_value_goes_wherever_it_stands_and_words_stay() {
    let password = "Xk29!hfPq0zLm";
    for (body, gone, left) in [
        (
            json!({"password": password, "note": format!("log in with {password} now")}),
            password,
            "log in with ",
        ),
        (
            json!({"password": password, "blob": STANDARD.encode(format!("as agreed: {password}"))}),
            password,
            "",
        ),
        (json!({"password": password, password: "x"}), password, "x"),
        (json!({"a": "her SSN is 536-90-4399", "rows": ["x", "536-90-4399"]}), "536-90-4399", "her SSN is "),
        (
            json!({"a": "her SSN is 536-90-4399", "n": 536_904_399, "t": "536904399."}),
            "536904399",
            "her SSN is ",
        ),
        (
            json!({"password": "production", "note": "deploy to production"}),
            "nothing at all",
            "deploy to production",
        ),
        (json!({"password": "hunter2X", "note": "hunter2Xylophone"}), "hunter2X\"", "hunter2Xylophone"),
    ] {
        let redacted = redact_all(&body, &[]);
        let shown = redacted.body.to_string();
        assert!(shown.contains(left), "{body} {shown}");
        let findings = classify(&redacted.body);
        assert!(
            findings.texts().iter().all(|text| !text.contains(gone)) && !shown.contains(gone),
            "{body} {shown}"
        );
        assert!(is_same_shape(&body, &redacted.body), "{body}");
    }
}

#[test]
fn blanked_fields_tell_what_was_in_them_and_no_path_tells_a_value() {
    let [jane, john, _] = EMAILS;
    let body = json!({jane: {"note": format!("from {john}"), "n": 1}, "list": ["a", john]});
    let pointer = format!("/{jane}");
    let redacted = redact_all(&body, &[pointer.as_str(), "/list/0", "/list/9", "nonsense"]);
    assert_eq!(
        redacted.body,
        json!({"[REDACTED:email]": {}, "list": ["[REDACTED:field]", "[REDACTED:email_2]"]})
    );
    let told: Vec<_> = redacted
        .redactions
        .iter()
        .map(|r| (r.path.as_str(), r.class, r.detector.as_str(), r.start, r.end))
        .collect();
    let pii = Some(DataClass::Pii);
    assert_eq!(
        told,
        [
            ("/[REDACTED:email]", None, "field", 0, 0),
            ("/[REDACTED:email]", pii, "email", 0, 22),
            ("/[REDACTED:email]/note", pii, "email", 5, 25),
            ("/list/0", None, "field", 0, 1),
            ("/list/1", pii, "email", 0, 20),
        ]
    );
    assert_eq!(redacted.changed_fields, 3);

    let none = RedactionPlan {
        classes: &BTreeSet::new(),
        min_confidence: Confidence::High,
        fields: &[format!("{pointer}/note")],
    };
    let redacted = Classifier::builtin().redact(&body, &none);
    assert_eq!(
        redacted.redactions.iter().map(|r| r.path.as_str()).collect::<Vec<_>>(),
        ["/[REDACTED:email]/note"]
    );
    assert_eq!(redact_all(&body, &[""]).body, json!({}));
}

#[test]
fn what_a_blanked_field_excused_goes_too() {
    let body = json!({"kind": "version", "value": "93.184.216.34"});
    assert_eq!(redact_all(&body, &[]).body, body);
    let expected = json!({"kind": "[REDACTED:field]", "value": "[REDACTED:ip_address]"});
    assert_eq!(redact_all(&body, &["/kind"]).body, expected);
}

#[test]
fn changed_fields_are_counted_once_each() {
    let [jane, john, ann] = EMAILS;
    for (body, expected) in [
        (json!({"a": "nothing"}), 0),
        (json!({"a": format!("{jane} {john}")}), 1),
        (json!({jane: john}), 1),
        (json!({jane: 1, john: {"x": ann}}), 3),
        (json!({"card": 5_555_555_555_554_444_u64, "list": [jane, jane]}), 3),
        (json!(jane), 1),
    ] {
        assert_eq!(redact_all(&body, &[]).changed_fields, expected, "{body}");
    }
}

#[test]
fn a_text_that_was_classified_is_redacted_as_one() {
    let text = format!("to {} and {}", EMAILS[0], STANDARD.encode(format!("cc {}", EMAILS[1])));
    let classifier = Classifier::builtin();
    let classes = BTreeSet::from([DataClass::Pii]);
    let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Medium, fields: &[] };
    let redacted = classifier.redact_found(&classifier.classify_text(&text), &plan);
    let expected = format!("to [REDACTED:email] and {}", STANDARD.encode("cc [REDACTED:email_2]"));
    assert_eq!(redacted.body, json!(expected));
}

/// Bodies with some of the values, each in a carrier, far apart or close together, some of them twice.
fn planted() -> impl Strategy<Value = (Value, Vec<&'static str>)> {
    let plant = (prop::sample::select(VALUES), 0..64_usize, 0..3_usize);
    prop::collection::vec(plant, 1..6).prop_map(|plants| {
        let mut parts = Vec::new();
        for ((_, label, value), carrier, padding) in &plants {
            let mut all = carriers(label, value);
            let (_, body) = all.swap_remove(carrier % all.len());
            parts.push(body);
            parts.push(json!("The team reviewed every open item before it went out. ".repeat(padding * 12)));
            parts.push(json!({"done": true, "count": parts.len()}));
        }
        (Value::from(parts), plants.into_iter().map(|((.., value), ..)| value).collect())
    })
}

#[test]
fn a_run_read_with_its_neighbours_keeps_nothing_of_its_own() {
    let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
    let (first, second) = ("AKIA2E5A6B7CXQ4TZNFM", "sk_live_4eC39HqLyjWDarjtT1zdp7dcXm2Qa8");
    let body = json!([
        {"blob": hex(&format!("deploy with {first}"))}, {"blob": hex(&format!("key {second}"))},
        {"blob": hex(&format!("key {second}"))},
    ]);
    let redacted = redact(&body, &BTreeSet::from([DataClass::Secrets]));
    let expected = json!([
        {"blob": hex("deploy with [REDACTED:aws_access_key_id]")}, {"blob": hex("key [REDACTED:stripe_secret_key]")},
        {"blob": hex("key [REDACTED:stripe_secret_key]")},
    ]);
    assert_eq!(redacted.body, expected);
}

/// A detector that wants a quote finds it however the carrier writes one, and the rest of the carrier stays.
#[test]
fn quotes_within_quotes_hide_nothing() {
    let secrets = BTreeSet::from([DataClass::Secrets]);
    for (text, kept) in [
        (
            "id,note\n2,\"props.put(\"\"password\"\", \"\"rumpelstilz\"\");\",false\n",
            "\"\", \"\"[REDACTED:setter_password]\"\");\",false\n",
        ),
        (
            "INSERT INTO t VALUES (7, 'passphrase = ''seven green bottles hanging''', '');",
            " ''[REDACTED:generic_passphrase_quoted]''', '');",
        ),
        (
            "lines:\n  - 'passphrase = ''seven green bottles hanging'''\n",
            " ''[REDACTED:generic_passphrase_quoted]'''\n",
        ),
        (
            r"printf '%s' 'passphrase = '\''seven green bottles hanging'\''' > a",
            r" '\''[REDACTED:generic_passphrase_quoted]'\''' > a",
        ),
        (
            "printf 'passphrase = '\"'\"'seven green bottles hanging'\"'\"'' > a",
            " '\"'\"'[REDACTED:generic_passphrase_quoted]'\"'\"'' > a",
        ),
    ] {
        let redacted = redact(&json!({ "text": text }), &secrets).body;
        let left = redacted["text"].as_str().unwrap();
        assert!(left.ends_with(kept), "{left}");
        assert_eq!(redact(&redacted, &secrets).body, redacted);
    }
}

#[test]
fn utf16_of_any_script_is_packed_again() {
    let utf16 =
        |text: &str| STANDARD.encode(text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
    for label in ["Пароль готов: ", "密码：", "é, ü: "] {
        let redacted = redact_all(&json!({ "blob": utf16(&format!("{label}AKIA2E5A6B7CXQ4TZNFM")) }), &[]);
        assert_eq!(redacted.body, json!({ "blob": utf16(&format!("{label}[REDACTED:aws_access_key_id]")) }));
    }
}

#[test]
fn a_label_of_any_script_is_read_in_quoted_printable() {
    let encoded: String = "пароль: ".bytes().map(|byte| format!("={byte:02X}")).collect();
    let body = json!({ "mail": format!("{encoded}Kx81Qm#@z") });
    let redacted = redact(&body, &BTreeSet::from([DataClass::Secrets])).body;
    assert_eq!(redacted, json!({ "mail": format!("{encoded}[REDACTED:labelled_password]") }));
}

/// Where a string ends, the line that a detector wants ends too.
#[test]
fn a_value_that_ends_its_string_is_found_beside_a_key() {
    for (text, left) in [
        ("DO NOT DISTRIBUTE", "[REDACTED:do_not_share]"),
        (":50K:/12287419034", ":50K:/[REDACTED:swift_message_account]"),
        ("ANSI 636026080102DL\nDBB03091984", "ANSI 636026080102DL\nDBB[REDACTED:licence_barcode_birth_date]"),
        ("    storePassword 'rumpelstilz'", "    storePassword '[REDACTED:build_script_password]'"),
        (
            "Kx81Qm#@z is your temporary password",
            "[REDACTED:value_called_password] is your temporary password",
        ),
    ] {
        assert_eq!(redact_all(&json!({ "text": text }), &[]).body, json!({ "text": left }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn of_several_values_in_several_carriers_nothing_is_left((body, values) in planted()) {
        let findings = classify(&body);
        let classes = BTreeSet::from(DataClass::ALL);
        let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Low, fields: &[] };
        let redacted = Classifier::builtin().redact_found(&findings, &plan);
        let again = classify(&redacted.body);
        prop_assert_eq!(&again.hits, &[], "{} {}", body, redacted.body);
        for value in values {
            prop_assert!(again.texts().iter().all(|text| !text.contains(value)), "{} {}", value, redacted.body);
        }
        prop_assert!(is_same_shape(&body, &redacted.body));
        prop_assert_eq!(&redact(&body, &classes), &redacted);
        prop_assert_eq!(redact(&redacted.body, &classes).body, redacted.body);
        for redaction in redacted.redactions {
            prop_assert!(redaction.start < redaction.end, "{:?}", redaction);
        }
    }
}
