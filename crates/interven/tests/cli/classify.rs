//! What is in files and texts.

use crate::world::{interven, leaked_key, run};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::Stdio,
};

/// `classify` with these arguments, in `home`.
fn classify(home: &Path, arguments: &[&str]) -> std::process::Command {
    let mut command = interven();
    command.arg("classify").args(arguments).current_dir(home);
    command
}

#[test]
fn a_finding_is_shown_like_a_compilers_and_masked() {
    let leaked = leaked_key();
    let home = tempfile::tempdir().unwrap();
    let text = format!("first\nkey: {leaked}, ssn 536-22-8417\nlast\n");
    let shown = format!(
        "-:2:6: SECRETS aws_access_key_id HIGH\n     2 | key: {0}…(20), ssn 536…(11)\n       |      ^^^^^^^^^\n",
        &leaked[..4]
    );
    let ran = run(&mut classify(home.path(), &["--class", "secrets"]), &text).must_exit(0);
    assert_eq!(ran.stdout, shown);
    assert!(ran.stderr.starts_with("1 SECRETS in 1 file; 1 file looked at, "), "{ran:?}");

    let ran = run(&mut classify(home.path(), &["-", "--reveal", "--context", "1"]), &text).must_exit(0);
    assert!(ran.stdout.contains("     1 | first\n     2 | key: "), "{ran:?}");
    assert!(ran.stdout.contains(&leaked) && ran.stdout.contains("     3 | last\n"), "{ran:?}");

    let ran = run(&mut classify(home.path(), &["--colour", "always"]), &text).must_exit(0);
    assert!(ran.stdout.contains("\x1b[31mSECRETS\x1b[0m"), "{ran:?}");
}

#[test]
fn exit_codes_tell_nothing_findings_and_trouble_apart() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("bad.txt"), "ssn 536-22-8417").unwrap();
    fs::write(home.path().join("good.txt"), "lunch at noon").unwrap();
    for (arguments, code) in [
        (&["good.txt", "--exit-code"][..], 0),
        (&["bad.txt", "good.txt"], 0),
        (&["bad.txt", "--exit-code"], 1),
        (&["bad.txt", "--exit-code", "--class", "phi,internal"], 0),
        (&["bad.txt", "nowhere.txt", "--exit-code"], 2),
        (&["bad.txt", "--min-confidence", "certain"], 2),
    ] {
        run(&mut classify(home.path(), arguments), "").must_exit(code);
    }
    let ran = run(&mut classify(home.path(), &["nowhere.txt", "bad.txt"]), "").must_exit(2);
    assert!(ran.stdout.starts_with("bad.txt:1:5: PII us_ssn HIGH\n"), "the others are looked at: {ran:?}");
    assert!(ran.stderr.contains("interven: `nowhere.txt` cannot be read: "), "{ran:?}");
}

#[test]
fn a_directory_is_read_but_for_what_is_hidden_ignored_or_binary() {
    let home = tempfile::tempdir().unwrap();
    let finding = "ssn 536-22-8417\n";
    fs::create_dir_all(home.path().join("deep/er")).unwrap();
    for (name, text) in [
        ("deep/er/a.txt", finding),
        (".env", finding),
        (".gitignore", "left.txt\n"),
        ("left.txt", finding),
        ("data.bin", "\0\u{1}ssn 536-22-8417"),
        ("z.txt", finding),
    ] {
        fs::write(home.path().join(name), text).unwrap();
    }
    let files = |arguments: &[&str]| {
        let ran = run(classify(home.path(), arguments).arg("--json"), "").must_exit(0);
        ran.json_lines().into_iter().map(|line| line["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(files(&["."]), ["deep/er/a.txt", "z.txt"]);
    assert_eq!(
        files(&["deep", "data.bin"]),
        ["deep/er/a.txt", "data.bin"],
        "named files are read whatever they are"
    );
    assert_eq!(files(&[".", "--hidden", "--no-ignore"]), [".env", "deep/er/a.txt", "left.txt", "z.txt"]);
    let ran = run(&mut classify(home.path(), &["."]), "").must_exit(0);
    assert!(ran.stderr.ends_with("left out: 2 hidden (--hidden), 1 binary\n"), "{ran:?}");
}

#[test]
fn positions_are_right_in_any_encoding() {
    let home = tempfile::tempdir().unwrap();
    let text = "ü\r\nü ssn 536-22-8417\r\n";
    let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes);
    let files: [(&str, Vec<u8>); 3] = [
        ("utf8", text.as_bytes().to_vec()),
        ("utf16", [0xFF, 0xFE].into_iter().chain(utf16).collect()),
        ("latin1", text.chars().map(|c| c as u8).collect()),
    ];
    for (name, bytes) in files {
        fs::write(home.path().join(name), bytes).unwrap();
        let found = run(&mut classify(home.path(), &[name, "--json"]), "").must_exit(0).json();
        let place = ["line", "column", "start", "end"].map(|field| found[field].as_u64().unwrap());
        assert_eq!(place, [2, 7, 9, 20], "{name}: {found}");
        assert_eq!((&found["path"], &found["detector"]), (&name.into(), &"us_ssn".into()));
        assert!(found.get("value").is_none(), "{found}");
    }
    let found = run(&mut classify(home.path(), &["utf16", "--json", "--reveal"]), "").json();
    assert_eq!(found["value"], "536-22-8417");
}

#[test]
fn a_stream_of_texts_and_bodies_is_classified() {
    let leaked = leaked_key();
    let input = format!(
        "{{\"id\":1,\"text\":\"key {leaked}\"}}\n{{\"id\":2,\"body\":{{\"a\":[\"{leaked}\"]}}}}\n{{\"id\":3}}\nnot json\n"
    );
    let lines = run(interven().args(["classify", "--jsonl"]), &input).must_exit(0).json_lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    let hit = &lines[0]["hits"][0];
    assert_eq!((&lines[0]["id"], &hit["class"], &hit["path"]), (&1.into(), &"SECRETS".into(), &"".into()));
    assert_eq!((&hit["start"], &hit["end"]), (&4.into(), &24.into()));
    assert_eq!(lines[1]["hits"][0]["path"], "/a/0");
    assert_eq!((&lines[2]["id"], &lines[2]["code"]), (&3.into(), &"INVALID_REQUEST".into()));
    assert_eq!(lines[3]["code"], "INVALID_REQUEST");
}

#[test]
fn each_line_is_answered_while_the_writer_waits() {
    let mut child = interven()
        .args(["classify", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for id in ["1", "2"] {
        writeln!(input, "{{\"id\":{id},\"text\":\"a\"}}").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), format!("{{\"id\":{id},\"hits\":[]}}"));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = interven()
        .args(["classify", "--jsonl"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    // Until the command has ended, and the pipe to it with it.
    while input.write_all(b"{\"id\":1,\"text\":\"a\"}\n").is_ok() {}
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn an_output_that_cannot_be_written_is_no_finding() {
    let home = tempfile::tempdir().unwrap();
    let text = format!("key: {}\n", leaked_key());
    for arguments in [&[][..], &["--json"], &["--jsonl"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = classify(home.path(), arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let line = if arguments == ["--jsonl"] {
            format!("{}\n", serde_json::json!({"id": 1, "text": text}))
        } else {
            text.clone()
        };
        child.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        let ended = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{arguments:?} {told}");
        assert!(told.contains("No space left"), "{arguments:?} {told}");
    }
}
