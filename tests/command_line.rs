//! The commands as a shell runs them, over the policies and cases of this repository.

use crate::proxy::deployment::Files;
use crate::proxy::tls::pki;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A deployment of the cases' family.
struct Desk {
    folder: TempDir,
}

impl Desk {
    /// With the policies of this repository.
    fn new() -> Desk {
        Desk::with(&root().join("policies"), tempfile::tempdir().unwrap())
    }

    /// With what the house JSON needs of them, which is read in a tenth of the time.
    fn of_house_json() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "codes/icd10cm.csv",
            "codes/cpt.csv",
            "codes/systems.csv",
            "rules/us-federal.yaml",
            "shapes/family-account.yaml",
            "states.csv",
        ] {
            let copy = folder.path().join("policies").join(name);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            std::fs::copy(root().join("policies").join(name), copy).unwrap();
        }
        let shape = folder.path().join("policies/shapes/family-account.yaml");
        let text = std::fs::read_to_string(&shape).unwrap();
        std::fs::write(shape, text.split("samples:").next().unwrap()).unwrap();
        let policies = folder.path().join("policies");
        Desk::with(&policies, folder)
    }

    fn with(policies: &Path, folder: TempDir) -> Desk {
        let members = root().join("policies/cases/family.csv");
        let config = format!(
            "members: {{ file: {} }}\npolicies: {}\n",
            members.display(),
            policies.display()
        );
        std::fs::write(folder.path().join("sequester.yaml"), config).unwrap();
        Desk { folder }
    }

    /// `redact` or `explain`, with a body of the cases.
    fn asked(&self, command: &str, reader: &str, request: &str, more: &[&str]) -> Command {
        let mut asked = Command::new(env!("CARGO_BIN_EXE_sequester"));
        asked.args([command, "--config"]).arg(self.folder.path().join("sequester.yaml"));
        asked.args(["--as", reader, "--today", "2026-11-21", "--request", request]).args(more);
        asked
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn body(name: &str) -> File {
    File::open(root().join("policies/cases/bodies").join(name)).unwrap()
}

fn out(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_policies_have_no_mistakes_and_pass_their_cases() {
    for arguments in [["check", "--policies", "policies"], ["test", "--policies", "policies"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sequester"));
        let (code, stdout, stderr) =
            out(&command.args(arguments).current_dir(root()).output().unwrap());
        assert_eq!(code, 0, "{stdout}{stderr}");
    }
}

#[test]
fn redact_writes_what_the_reader_gets_and_nothing_else() {
    let desk = Desk::of_house_json();
    let request = "GET /api/v1/family/C-1/claims";
    let mut command = desk.asked("redact", "M-100", request, &[]);
    let (code, stdout, stderr) = out(&command.stdin(body("claims.json")).output().unwrap());
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(stdout.contains("\"CLM-1\"") && !stdout.contains("\"CLM-2\""), "{stdout}");
    assert!(stdout.starts_with('{') && stdout.trim_end().ends_with('}'));

    let mut command = desk.asked("redact", "M-100", request, &["--include"]);
    let (_, included, _) = out(&command.stdin(body("claims.json")).output().unwrap());
    let (head, after) = included.split_once("\r\n\r\n").unwrap();
    assert_eq!(after, stdout);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", stdout.len())), "{head}");
}

#[test]
fn a_stream_leaves_whole_or_not_at_all() {
    let desk = Desk::new();
    let request = "GET /fhir/export/all.ndjson";
    let mut command = desk.asked("redact", "M-100", request, &[]);
    let (code, stdout, _) = out(&command.stdin(body("export.ndjson")).output().unwrap());
    assert_eq!(code, 0);
    assert!(stdout.lines().count() > 1, "{stdout}");

    // Many times over, so that lines have been judged long before the fault at the end.
    let mut text = String::new();
    body("export.ndjson").read_to_string(&mut text).unwrap();
    let broken = format!("{}{{\"resourceType\":", text.repeat(200));
    let mut command = desk.asked("redact", "M-100", request, &[]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(broken.as_bytes()));
    let (code, stdout, stderr) = out(&child.wait_with_output().unwrap());
    writer.join().unwrap().unwrap();
    assert_eq!((code, stdout.as_str()), (3, ""));
    assert!(stderr.starts_with("502 unreadable body at byte "), "{stderr}");
    assert_eq!(stderr.lines().count(), 1);
}

#[test]
fn anything_but_200_leaves_stdout_empty() {
    let desk = Desk::of_house_json();
    let claims = "GET /api/v1/family/C-1/claims";
    for (request, more, line) in [
        ("GET /api/v1/family/C-2/claims", &[][..], "404 not found"),
        ("GET /nothing", &[], "404 not found"),
        ("DELETE /api/v1/family/C-1/claims", &[], "405 method not allowed"),
        ("GET /api/v1/family/C-1/claims?x=1", &[], "400 query parameter `x` is not open here"),
        (claims, &["--status", "500"], "502 upstream answered 500"),
        (
            claims,
            &["--content-type", "text/html"],
            "502 a body of a content type that cannot be judged",
        ),
    ] {
        let mut command = desk.asked("redact", "M-100", request, more);
        let (code, stdout, stderr) = out(&command.stdin(body("claims.json")).output().unwrap());
        assert_eq!((code, stdout.as_str(), stderr.trim_end()), (3, "", line), "{request}");
    }
}

#[test]
fn explain_says_where_and_why_and_never_what() {
    let desk = Desk::of_house_json();
    let request = "GET /api/v1/family/C-1/claims";
    let mut command = desk.asked("explain", "M-100", request, &[]);
    let (code, text, _) = out(&command.stdin(body("claims.json")).output().unwrap());
    assert_eq!(code, 0);
    assert!(text.contains("\nWITHHELD  claim CLM-2  at $.claims[1]\n"), "{text}");
    assert!(text.contains("icd10cm.csv:"), "{text}");
    assert!(!text.contains("Major depressive disorder"), "{text}");

    let mut command = desk.asked("explain", "M-100", request, &["--format", "json"]);
    let (code, text, _) = out(&command.stdin(body("claims.json")).output().unwrap());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &json["status"]), (0, &serde_json::json!(200)));
    let records = json["records"].as_array().unwrap();
    let claim = records.iter().find(|record| record["id"] == "CLM-2").unwrap();
    assert_eq!(claim["verdict"], "withheld");
    assert!(claim["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty()));
}

#[test]
fn a_pipe_that_closes_early_is_no_failure() {
    let desk = Desk::new();
    let mut command = desk.asked("redact", "M-102", "GET /fhir/export/all.ndjson", &[]);
    let command = command.stdin(body("export.ndjson")).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let (code, _, stderr) = out(&child.wait_with_output().unwrap());
    assert_eq!((code, stderr.as_str()), (0, ""));
}

/// The README's way to a first deployment: the example, its lists and the policies in a folder;
/// what is missing then is the operator's own. What `run` would refuse `check` tells.
#[test]
fn the_example_deployment_lacks_only_what_is_the_operators_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(root().join("policies"), path("policies")).unwrap();
    for name in ["members.csv", "grants.csv", "restrictions.csv"] {
        std::fs::copy(root().join("deploy").join(name), path(name)).unwrap();
    }
    let config = std::fs::read_to_string(root().join("deploy/sequester.yaml")).unwrap();
    std::fs::write(path("sequester.yaml"), config.replace("/var/", "var/")).unwrap();
    let check = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sequester"));
        let output = command.args(["check", "--config"]).arg(path("sequester.yaml")).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, told) = check();
    assert_eq!(code, Some(1));
    let own = ["tls/server.pem", "tls/server.key", "tls/portal-ca.pem", "tls/internal-ca.pem"];
    let own =
        || own.into_iter().chain(["jwks.json", "cursors.keys", "look-ups.token", "audit.key"]);
    let folders = ["var/log/sequester", "var/lib/sequester"];
    assert_eq!(told.matches("error: ").count(), 10, "{told}");
    for folder in folders {
        assert!(told.contains(&format!("no such folder\n --> {}\n", path(folder).display())));
        std::fs::create_dir_all(path(folder)).unwrap();
    }
    std::fs::create_dir(path("tls")).unwrap();
    for name in own() {
        assert!(told.contains(&format!("error: no such file\n --> {}", path(name).display())));
        std::fs::write(path(name), "").unwrap();
    }
    let (code, told) = check();
    assert_eq!((code, told.matches("error: ").count()), (Some(1), 5), "{told}");
    for one in ["portal-ca.pem", "internal-ca.pem", "jwks.json", "cursors.keys", "audit.key"] {
        assert!(told.contains(&format!("{one}: ")), "{one}: {told}");
    }
    let (server, portal) = (pki(), pki());
    let signs = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem();
    let keys = std::fs::read(Files::new().path("jwks.json")).unwrap();
    for (name, content) in [
        ("tls/server.pem", server.certificate.as_bytes()),
        ("tls/server.key", portal.key.as_bytes()),
        ("tls/portal-ca.pem", portal.authority.as_bytes()),
        ("tls/internal-ca.pem", portal.authority.as_bytes()),
        ("jwks.json", &keys),
        ("cursors.keys", b"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"),
        ("audit.key", signs.as_bytes()),
    ] {
        std::fs::write(path(name), content).unwrap();
    }
    let (code, told) = check();
    assert_eq!((code, told.matches("error: ").count()), (Some(1), 2), "{told}");
    assert!(told.contains("server.pem: ") && told.contains("look-ups.token: "), "{told}");
    std::fs::write(path("tls/server.key"), &server.key).unwrap();
    std::fs::write(path("look-ups.token"), "ours").unwrap();
    let (code, told) = check();
    assert_eq!((code, told.starts_with("no mistakes; policy set ")), (Some(0), true), "{told}");
}
