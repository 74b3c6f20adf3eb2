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
    let mut streams = Streams { stdin: &mut io::empty(), stdout: &mut stdout, stderr: &mut stderr };
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
        let mut streams =
            Streams { stdin: &mut io::empty(), stdout: &mut Closed(kind), stderr: &mut stderr };
        let policies = folder.path().as_os_str().to_owned();
        let line = ["sequester".into(), "check".into(), "--policies".into(), policies];
        assert_eq!(run(line, &mut streams), exit);
    }
}
