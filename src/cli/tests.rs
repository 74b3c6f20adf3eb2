//! Exit codes, and which stream says what.

use super::{Exit, Streams, run};
use std::ffi::OsString;
use std::io::{self, Write};

struct Ran {
    exit: Exit,
    stdout: String,
    stderr: String,
}

fn ran(line: &[&str]) -> Ran {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        stdin: &mut io::empty(),
        stdout: &mut stdout,
        stderr: &mut stderr,
        progress: false,
    };
    let arguments = ["sequester"].iter().chain(line).map(OsString::from);
    let exit = run(arguments, &mut streams);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { exit, stdout: text(stdout), stderr: text(stderr) }
}

#[test]
fn help_is_a_result_and_wrong_usage_is_not() {
    let help = ran(&["--help"]);
    assert_eq!((help.exit, help.stderr.as_str()), (Exit::Done, ""));
    for command in ["demo", "run", "check", "test", "redact", "explain"] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{}", help.stdout);
        assert_eq!(ran(&[command, "--help"]).exit, Exit::Done);
    }
    let redact = ["redact", "--config", "none.yaml", "--as", "M-1", "--request"];
    for wrong in [
        vec![],
        vec!["dance"],
        vec!["check", "--config", "a", "--policies", "b"],
        vec!["redact", "--as", "M-1"],
        [&redact[..], &["GET /x", "--today", "tomorrow"]].concat(),
        [&redact[..], &["GET /x", "--today", "2026-1-2"]].concat(),
        [&redact[..], &["GET /x", "--status", "99"]].concat(),
        [&redact[..], &["GET"]].concat(),
        [&redact[..], &["/x"]].concat(),
        [&redact[..], &["get /x"]].concat(),
        [&redact[..], &["GET x"]].concat(),
    ] {
        let ran = ran(&wrong);
        assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Usage, ""), "{wrong:?}");
        assert!(!ran.stderr.is_empty(), "{wrong:?}");
    }
}

#[test]
fn files_that_are_not_there() {
    for line in [
        &["check", "--config", "none.yaml"][..],
        &["check", "--policies", "none"],
        &["test", "--policies", "none"],
        &["run", "--config", "none.yaml"],
        &["redact", "--config", "none.yaml", "--as", "M-1", "--request", "GET /x"],
        &["explain", "--config", "none.yaml", "--as", "M-1", "--request", "GET /x"],
    ] {
        let ran = ran(line);
        assert_eq!((ran.exit, ran.stdout.as_str()), (Exit::Usage, ""), "{line:?}");
        assert!(ran.stderr.contains("none"), "{}", ran.stderr);
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sequester.yaml");
    std::fs::write(&config, "members: { file: m.csv }\npolicies: p\n").unwrap();
    let config = config.to_str().unwrap();
    let ran = ran(&["redact", "--config", config, "--as", "M-1", "--request", "GET /x"]);
    assert_eq!(ran.exit, Exit::Usage);
    assert_eq!(ran.stderr.matches("error: no such file").count(), 2, "{}", ran.stderr);
}

#[test]
fn files_that_are_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sequester.yaml");
    std::fs::write(&config, "member: { file: m.csv }\npolicies: p\n").unwrap();
    let config = config.to_str().unwrap();
    let redact = ran(&["redact", "--config", config, "--as", "M-1", "--request", "GET /x"]);
    assert_eq!((redact.exit, redact.stdout.as_str()), (Exit::No, ""));
    assert!(redact.stderr.contains("did you mean `members`?"), "{}", redact.stderr);
    let check = ran(&["check", "--config", config]);
    assert_eq!((check.exit, check.stderr.as_str()), (Exit::No, ""));
    assert!(check.stdout.contains("did you mean `members`?"), "{}", check.stdout);
    assert!(check.stdout.ends_with("2 mistakes\n"), "{}", check.stdout);
}

#[test]
fn what_samples_hold_and_nobody_named() {
    let folder = tempfile::tempdir().unwrap();
    let claim = r#"{"claims":[{"claimId":"CLM-1","memberId":"M-1","mood":{"a":1},"lines":[
        {"code":"x","codeSystem":"urn:nobody","price tag":1},{"price tag":2}]}]}"#;
    let patient =
        r#"{"resourceType":"Patient","id":"p","soul":1,"extension":[{"url":"urn:aura"}]}"#;
    std::fs::write(folder.path().join("claims.json"), claim).unwrap();
    let lines = format!("{patient}\n\n{{\"resourceType\":\"Dragon\"}}\n");
    std::fs::create_dir(folder.path().join("inside")).unwrap();
    std::fs::write(folder.path().join("inside/export.ndjson"), lines).unwrap();
    std::fs::write(folder.path().join("broken.json"), "{\"a\":1,\"a\":2}").unwrap();
    let ran =
        ran(&["check", "--policies", "policies", "--samples", folder.path().to_str().unwrap()]);
    let (_, told) = ran.stdout.split_once("\n3 records").unwrap();
    let expected = " in 4 bodies, 1 not readable
kinds that are not named:
       1 × fhir-r4 Dragon
members that are not named:
       2 × family-account claim $.lines[*]['price tag']
       1 × family-account claim $.mood
       1 × fhir-r4 Patient $.extension[*] urn:aura
       1 × fhir-r4 Patient $.soul
systems that are not named:
       1 × urn:nobody
";
    assert!(told == expected, "got\n{told}\nexpected\n{expected}");
    assert!(ran.stderr.contains("broken.json: not readable at byte 7: "), "{}", ran.stderr);
}

/// A stdout that nobody reads any more, or that is full.
struct Closed(io::ErrorKind);

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn who_closes_the_pipe_has_had_enough() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, exit) in
        [(io::ErrorKind::BrokenPipe, Exit::Done), (io::ErrorKind::StorageFull, Exit::Usage)]
    {
        let mut stderr = Vec::new();
        let mut streams = Streams {
            stdin: &mut io::empty(),
            stdout: &mut Closed(kind),
            stderr: &mut stderr,
            progress: false,
        };
        let policies = folder.path().as_os_str().to_owned();
        let line = ["sequester".into(), "check".into(), "--policies".into(), policies];
        assert_eq!(run(line, &mut streams), exit);
    }
}
