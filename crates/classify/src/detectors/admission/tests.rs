use super::*;
use crate::detectors::shipped;
use interven_types::{DataClass, FindingException, TenantSettings};

/// A detector of employee numbers, as a tenant writes it.
fn employee() -> CustomDetector {
    CustomDetector {
        id: "acme_employee".into(),
        class: DataClass::Pii,
        summary: "Employee number of Acme".into(),
        keywords: Vec::new(),
        pattern: r"\bemp-([0-9]{6})\b".into(),
        confidence: Confidence::High,
        context: Vec::new(),
        required_context: false,
        min_entropy: None,
        validator: None,
        hosts: Vec::new(),
        window: None,
        positive: vec!["badge emp-204417".into()],
        negative: vec!["emp-20441".into()],
    }
}

fn refusal(settings: &TenantSettings) -> String {
    let refused = admit(&Options::from(settings), &shipped().unwrap()).unwrap_err();
    format!("{}: {}", refused.field, refused.problem)
}

/// Why `employee`, changed so, is refused.
fn refused(change: impl FnOnce(&mut CustomDetector)) -> String {
    let mut changed = employee();
    change(&mut changed);
    refusal(&TenantSettings { custom_detectors: vec![changed], ..TenantSettings::default() })
}

#[test]
fn what_a_tenant_writes_well_is_admitted() {
    let mut settings = TenantSettings { custom_detectors: vec![employee()], ..TenantSettings::default() };
    settings.disabled_detectors = ["email", "tenant_marker", "acme_employee"].map(str::to_owned).into();
    let change = DetectorOverride { confidence: Some(Confidence::Low), weight: Some(4.0) };
    settings.detector_overrides.insert("us_ssn".into(), change);
    settings
        .finding_exceptions
        .push(FindingException { detector: Some("email".into()), ..Default::default() });
    assert_eq!(admit(&Options::from(&settings), &shipped().unwrap()), Ok(()));
}

#[test]
fn each_field_that_cannot_work_is_named_with_what_to_do() {
    type Change = fn(&mut CustomDetector);
    let cases: [(Change, &str); 32] = [
        (|d| d.id = "Acme".into(), "custom_detectors[0].id: must be snake_case"),
        (|d| d.id = String::new(), "custom_detectors[0].id: must be snake_case"),
        (|d| d.id = "x".repeat(65), "custom_detectors[0].id: must be snake_case of 64 bytes at most"),
        (|d| d.id = "acme_2".into(), "custom_detectors[0].id: must not end in `_` and digits"),
        (
            |d| d.id = "email".into(),
            "custom_detectors[0].id: is taken by a shipped detector; write `my_email`",
        ),
        (|d| d.id = "field".into(), "custom_detectors[0].id: is taken"),
        (|d| d.id = "tenant_marker".into(), "custom_detectors[0].id: is taken"),
        (|d| d.summary = " ".into(), "custom_detectors[0].summary: must be one line"),
        (
            |d| d.pattern = String::new(),
            "custom_detectors[0].pattern: must be 1 to 1000 bytes long; it has 0",
        ),
        (
            |d| d.pattern = "a".repeat(1001),
            "custom_detectors[0].pattern: must be 1 to 1000 bytes long; it has 1001",
        ),
        (
            |d| d.pattern = "emp-(".into(),
            "custom_detectors[0].pattern: is no regular expression: unclosed group, at character 5",
        ),
        (
            |d| d.pattern = "(?<=emp-)[0-9]+".into(),
            "custom_detectors[0].pattern: uses look-around or a back-reference at character 1",
        ),
        (
            |d| d.pattern = r"(emp)-\1".into(),
            "custom_detectors[0].pattern: uses look-around or a back-reference",
        ),
        (|d| d.pattern = "(?:emp-)?[0-9]*".into(), "custom_detectors[0].pattern: can match nothing at all"),
        (
            |d| d.pattern = r"emp-(?u:\w{1000})".into(),
            "custom_detectors[0].pattern: needs more than 256 KiB once compiled",
        ),
        (
            |d| d.pattern = format!("{}emp{}", "(".repeat(60), ")".repeat(60)),
            "custom_detectors[0].pattern: is no regular expression",
        ),
        (
            |d| d.pattern = "[0-9]{6}".into(),
            "custom_detectors[0].keywords: must name a text that stands in or near every match",
        ),
        (|d| d.keywords = vec!["EMP-".into()], "custom_detectors[0].keywords[0]: must be in lower case"),
        (
            |d| d.keywords = vec!["emp-".into(), "em".into()],
            "custom_detectors[0].keywords[1]: must be in lower case, 3 to 100 bytes",
        ),
        (
            |d| d.keywords = vec!["emp-".into(); 51],
            "custom_detectors[0].keywords: holds 51 texts; 50 are allowed",
        ),
        (|d| d.required_context = true, "custom_detectors[0].context: must name words"),
        (|d| d.window = Some(5000), "custom_detectors[0].window: must be 16 to 1024 bytes"),
        (|d| d.min_entropy = Some(f64::NAN), "custom_detectors[0].min_entropy: must be 0 to 8 bits"),
        (
            |d| d.validator = Some("us_ssn".into()),
            "custom_detectors[0].validator: must be one of `luhn`, `mod97`",
        ),
        (|d| d.hosts = vec!["https://acme.example".into()], "custom_detectors[0].hosts[0]: must be a host"),
        (|d| d.positive.clear(), "custom_detectors[0].positive: must hold at least one text"),
        (
            |d| d.positive = vec!["x".repeat(2001)],
            "custom_detectors[0].positive[0]: must be 2000 bytes at most",
        ),
        (
            |d| d.positive.push("badge 204417".into()),
            "custom_detectors[0].positive[1]: is not found in `badge 204417`: the pattern does not match",
        ),
        (
            |d| d.keywords = vec!["staff".into()],
            "custom_detectors[0].positive[0]: is not found in `badge emp-204417`: none of the keywords `staff` stands there",
        ),
        (
            |d| d.validator = Some("luhn".into()),
            "custom_detectors[0].positive[0]: is not found in `badge emp-204417`: the value has no valid check digits by `luhn`",
        ),
        (
            |d| d.min_entropy = Some(7.5),
            "custom_detectors[0].positive[0]: is not found in `badge emp-204417`: the value has less entropy",
        ),
        (
            |d| d.negative.push("of emp-000000.".into()),
            "custom_detectors[0].negative[1]: is found in `of emp-000000.`, and must not be",
        ),
    ];
    for (change, expected) in cases {
        let told = refused(change);
        assert!(told.starts_with(expected), "expected `{expected}`\n     got `{told}`");
    }
    let far = refused(|d| {
        d.keywords = vec!["badge".into()];
        d.window = Some(16);
        d.positive = vec![format!("badge {} emp-204417", "of the house ".repeat(3))];
    });
    assert!(far.ends_with("the match does not lie within 16 bytes of a keyword"), "{far}");
    let alone = refused(|d| {
        d.context = vec!["payroll".into()];
        d.required_context = true;
    });
    assert!(alone.contains("no word of `context` stands within 200 characters"), "{alone}");
}

#[test]
fn ids_are_known_or_the_nearest_is_named() {
    let with = |change: &dyn Fn(&mut TenantSettings)| {
        let mut settings = TenantSettings::default();
        change(&mut settings);
        refusal(&settings)
    };
    let weight = |id: &str, weight| {
        let change = DetectorOverride { weight, ..DetectorOverride::default() };
        with(&|settings| settings.detector_overrides = [(id.to_owned(), change)].into())
    };
    for (told, expected) in [
        (weight("emial", Some(1.0)), "detector_overrides: names no detector: `emial`; did you mean `email`?"),
        (weight("nothing_like_it_at_all", Some(1.0)), "`interven admin detectors list` shows them"),
        (weight("email", Some(4.1)), "detector_overrides.email.weight: must be 0 to 4"),
        (weight("email", None), "detector_overrides.email: changes nothing"),
        (
            with(&|settings| settings.disabled_detectors = ["us_snn".to_owned()].into()),
            "disabled_detectors: names no detector: `us_snn`; did you mean `us_ssn`?",
        ),
        (
            with(&|settings| {
                let exception = FindingException { detector: Some("emails".into()), ..Default::default() };
                settings.finding_exceptions.push(exception);
            }),
            "finding_exceptions[0].detector: names no detector: `emails`; did you mean `email`?",
        ),
        (
            with(&|settings| settings.custom_detectors = vec![employee(), employee()]),
            "custom_detectors[1].id: stands twice",
        ),
        (
            with(&|settings| settings.custom_detectors = vec![employee(); 101]),
            "custom_detectors: holds 101 detectors",
        ),
    ] {
        assert!(told.contains(expected), "expected `{expected}`\n     got `{told}`");
    }
}

#[test]
fn examples_say_what_was_found_in_them() {
    let detector = CustomDetector { context: vec!["badge".into()], ..employee() };
    let detector =
        CustomDetector { positive: vec!["badge emp-204417".into(), "emp-204417".into()], ..detector };
    let found: Vec<_> =
        try_examples(&detector).unwrap().into_iter().map(|r| (r.field.clone(), r.found, r.holds())).collect();
    let expected = [
        ("positive[0]".to_owned(), Some(Confidence::High), true),
        ("positive[1]".to_owned(), Some(Confidence::Medium), true),
        ("negative[0]".to_owned(), None, true),
    ];
    assert_eq!(found, expected);
}
