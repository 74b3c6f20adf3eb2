//! The demo, as whoever tries the product runs it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sequester"));
    command.arg("demo").stdin(Stdio::null());
    command
}

#[test]
fn the_story_holds() {
    let output = demo().arg("--once").output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}\n{errors}");
    assert_eq!(errors, "");
    assert!(told.contains("yes  nobody saw what they must not"), "{told}");
    assert!(!told.contains("NO "), "{told}");
    // What it tells a privacy officer is not itself a disclosure.
    for secret in ["Okafor", "90837", "Spoke of her mother"] {
        assert!(!told.contains(secret), "{told}");
    }
}

/// Answers to a GET: the status line, and all of it.
fn get(address: &str, path: &str, token: &str) -> (String, String) {
    let mut socket = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: demo\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    (answer.lines().next().unwrap_or_default().to_owned(), answer)
}

#[test]
fn it_stays_to_be_tried_and_ends_when_told() {
    let mut child = demo().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut lines = Vec::new();
    for line in stdout.lines() {
        let line = line.unwrap();
        let is_last = line.starts_with("Ctrl-C");
        lines.push(line);
        if is_last {
            break;
        }
    }
    let told = lines.join("\n");
    let after = |start: &str| {
        let line = lines.iter().find_map(|line| line.trim_start().strip_prefix(start));
        line.unwrap_or_else(|| panic!("no `{start}` in\n{told}")).trim().to_owned()
    };
    let (proxy, payer) = (after("the proxy "), after("the payer behind "));
    let payer = payer.split(' ').next().unwrap().to_owned();
    let (ruth, ingrid) = (after("RUTH="), after("INGRID="));
    assert_eq!(lines.iter().filter(|line| line.starts_with("curl ")).count(), 3, "{told}");
    let claims = "/api/v1/members/M-102/claims";
    for (address, token, leaks) in
        [(&proxy, &ruth, false), (&proxy, &ingrid, true), (&payer, &ruth, true)]
    {
        let (status, answer) = get(address, claims, token);
        assert!(status.ends_with("200 OK"), "{status}");
        assert_eq!(answer.contains("F33.1"), leaks, "{answer}");
    }
    let (status, _) = get(&proxy, claims, "nobody");
    assert!(status.contains("401"), "{status}");
    let (status, _) = get(&after("health and metrics "), "/metrics", "");
    assert!(status.ends_with("200 OK"), "{status}");
    let told_to_end =
        Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(told_to_end.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
