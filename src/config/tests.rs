//! The example of the design, its defaults, and every mistake with its message.

use super::meant::{Address, Authorization, Dimension, Durability, Identity, Keys, Scope};
use super::units::{self, Rate};
use super::{Config, Judging, address, key_lines};
use crate::engine::diagnostics::SourceFile;
use std::num::NonZeroU64;
use std::path::Path;
use std::time::Duration;

/// As DESIGN 4.1 writes it.
const WHOLE: &str = "\
listen:
  address: 0.0.0.0:8443
  tls: { certificate: tls/server.pem, key: tls/server.key, client-authorities: tls/portal-ca.pem }
upstream:
  url: https://api.internal.example:9443
  authorities: tls/internal-ca.pem
  public-url: https://members.example
  authorization: reader
  look-ups: { token-file: F }
  timeout: { connect: 2s, first-byte: 30s, idle: 15s, total: 60s }
identity:
  jwt: { issuer: https://login.example, audience: member-api, keys: jwks.json, member-claim: member_id, client-claim: azp }
members: { file: members.csv }
grants: { file: grants.csv }
restrictions: { file: restrictions.csv }
policies: policies/
limits: { hold: 8MiB, record: 4MiB, depth: 64, held: 512MiB, upstream-pages: 100, page-records: 200,
          reader: [{ requests: 120 per 1m }, { records: 5000 per 1d }] }
notice: https://members.example/help/therapy-notes
audit: { file: /var/log/sequester/audit.jsonl, durability: sync }
admin: { address: 127.0.0.1:9464 }
";

const LEAST: &str = "\
listen: { address: 127.0.0.1:80 }
upstream: { url: http://localhost:9000 }
identity: { jwt: { issuer: i, audience: a, keys: https://login.example/keys } }
members: { file: m.csv }
policies: p
audit: { file: a.jsonl }
";

fn read(text: &str) -> Result<Config, String> {
    let file = SourceFile::new("s.yaml", text);
    Config::read(&file, Path::new("/etc/sequester")).map_err(|mistakes| shown(&mistakes))
}

fn shown(mistakes: &[super::Diagnostic]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().concat()
}

/// The messages of `LEAST` with one line replaced, without their underlining.
#[track_caller]
fn check(line: &str, expected: &[&str]) {
    let key = line.split(':').next().unwrap();
    let kept = LEAST.lines().filter(|other| !other.starts_with(key));
    let text = kept.chain([line]).collect::<Vec<_>>().join("\n");
    let told = read(&text).err().unwrap_or_default();
    let told: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("error: ").or(line.trim_start().strip_prefix("= ")))
        .collect();
    assert_eq!(told, expected, "{line}");
}

#[test]
fn the_example_of_the_design() {
    let config = read(WHOLE).unwrap_or_else(|told| panic!("{told}"));
    assert_eq!(config.listen.address, Address::Tcp("0.0.0.0:8443".parse().unwrap()));
    let tls = config.listen.tls.as_ref().unwrap();
    assert_eq!(tls.certificate, Path::new("/etc/sequester/tls/server.pem"));
    assert_eq!(
        tls.client_authorities.as_deref(),
        Some(Path::new("/etc/sequester/tls/portal-ca.pem"))
    );
    assert_eq!(config.upstream.origin.to_string(), "https://api.internal.example:9443");
    assert!(matches!(config.upstream.authorization, Authorization::Reader));
    assert_eq!(config.upstream.timeout.first_byte, Duration::from_secs(30));
    let Identity::Jwt(jwt) = &config.identity else { panic!("no jwt") };
    assert_eq!(jwt.keys, Keys::File("/etc/sequester/jwks.json".into()));
    assert_eq!(
        (jwt.member_claim.as_str(), jwt.client_claim.as_deref()),
        ("member_id", Some("azp"))
    );
    assert_eq!(config.judging.policies, Path::new("/etc/sequester/policies/"));
    assert_eq!(config.judging.settings().public_url.as_deref(), Some("https://members.example"));
    assert_eq!(config.judging.limits.held_bytes, 512 << 20);
    let rates = &config.judging.limits.reads.rates;
    let readers: Vec<_> = rates.iter().filter(|rate| rate.scope == Scope::Reader).collect();
    assert_eq!(readers.len(), 2);
    assert_eq!((readers[0].dimension, readers[0].rate), (Dimension::Requests, rate(120, 60)));
    assert_eq!((readers[1].dimension, readers[1].rate), (Dimension::Records, rate(5000, 86_400)));
    assert_eq!(config.notice.unwrap().to_string(), "https://members.example/help/therapy-notes");
    assert_eq!(config.audit.file, Path::new("/var/log/sequester/audit.jsonl"));
    assert_eq!(config.admin, Some("127.0.0.1:9464".parse().unwrap()));
}

#[test]
fn what_is_left_out_is_as_the_design_says() {
    let (least, whole) = (read(LEAST).unwrap(), read(WHOLE).unwrap());
    assert_eq!(least.upstream.timeout, whole.upstream.timeout);
    let reads = least.judging.limits.reads.clone();
    assert_eq!(least.judging.limits, super::meant::Limits { reads, ..whole.judging.limits });
    assert_eq!(least.audit.durability, Durability::Sync);
    assert!(matches!(least.upstream.authorization, Authorization::Nothing));
    let Identity::Jwt(jwt) = &least.identity else { panic!("no jwt") };
    assert_eq!((jwt.member_claim.as_str(), jwt.client_claim.as_deref()), ("sub", None));
    assert!(least.judging.grants.is_none() && least.admin.is_none() && least.notice.is_none());
}

#[test]
fn every_mistake_of_a_file_at_once() {
    let text = LEAST
        .replace("127.0.0.1:80", "localhost:80")
        .replace("http://localhost:9000", "http://localhost:9000/fhir")
        .replace("audit: { file: a.jsonl }\n", "")
        .replace(
            "policies: p\n",
            "policies: p\nlimits: { hold: 8MB, page-records: 0, held: 1B }\n",
        );
    let expected = "\
error: `8MB` is no size
 --> s.yaml:6:17
  |
6 | limits: { hold: 8MB, page-records: 0, held: 1B }
  |                 ^^^
  = help: write a number and `B`, `KiB`, `MiB` or `GiB`, like `8MiB`
error: this size must be from `1MiB` to `1024GiB`
 --> s.yaml:6:45
  |
6 | limits: { hold: 8MB, page-records: 0, held: 1B }
  |                                             ^^
error: this must be from 1 to 10000
 --> s.yaml:6:36
  |
6 | limits: { hold: 8MB, page-records: 0, held: 1B }
  |                                    ^
error: `localhost:80` is no IP address with a port
 --> s.yaml:1:20
  |
1 | listen: { address: localhost:80 }
  |                    ^^^^^^^^^^^^
  = help: write it like `0.0.0.0:8443` or `[::]:8443`
error: `http://localhost:9000/fhir` is no URL that can be used: only scheme, host and port stand here
 --> s.yaml:2:18
  |
2 | upstream: { url: http://localhost:9000/fhir }
  |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^
error: the file needs the key `audit`
 --> s.yaml
";
    let told = read(&text).unwrap_err();
    assert!(told == expected, "got\n{told}\nexpected\n{expected}");
}

#[test]
fn a_header_is_an_identity_only_where_nobody_else_can_set_it() {
    let refused = [
        "with a `header` as identity anybody could be anybody",
        "help: set `listen.tls.client-authorities`, or listen on `unix:` and a path",
    ];
    check("identity: { header: { name: X-Member-Id } }", &refused);
    let by_header = LEAST.replace(
        "jwt: { issuer: i, audience: a, keys: https://login.example/keys }",
        "header: { name: X-Member-Id }",
    );
    let told = |listen: &str| {
        read(&by_header.replace("address: 127.0.0.1:80", listen)).map(|config| config.identity)
    };
    let tls = "address: 127.0.0.1:80, tls: { certificate: c, key: k }";
    assert!(told(tls).is_err());
    let mutual = "address: 127.0.0.1:80, tls: { certificate: c, key: k, client-authorities: a }";
    for listen in [mutual, "address: unix:/run/s.sock"] {
        let Ok(Identity::Header(name)) = told(listen) else { panic!("{listen}") };
        assert_eq!(name, "x-member-id");
    }
    let with_token = by_header
        .replace("address: 127.0.0.1:80", "address: unix:run/s.sock")
        .replace("9000 }", "9000, authorization: reader }");
    assert!(
        read(&with_token)
            .unwrap_err()
            .starts_with("error: readers known by a `header` have no token to pass on\n")
    );
}

#[test]
fn wrong_in_each_part() {
    check("identity: {}", &["`identity` must say how", "help: write `jwt` or `header`"]);
    check(
        "identity: { jwt: { issuer: '', audience: a, keys: http://login.example/k }, header: { name: Host } }",
        &["`identity` is by `jwt` or by `header`, not by both"],
    );
    check(
        "identity: { jwt: { issuer: ' ', audience: a, keys: http://login.example/k } }",
        &[
            "`issuer` is empty",
            "keys that come over `http` can be replaced on their way",
            "help: use `https`, or a file",
        ],
    );
    check(
        "upstream: { url: http://h:1, authorities: a, authorization: { client-certificate: c, key: k } }",
        &[
            "`authorities` are of no use with an `http` upstream",
            "help: write `https` in `url`, or remove them",
            "a client certificate cannot be shown over `http`",
            "help: write `https` in `url`",
        ],
    );
    for authorization in ["{ client-certificate: c }", "{ token-file: t, key: k }", "{}"] {
        check(
            &format!("upstream: {{ url: https://h, authorization: {authorization} }}"),
            &[
                "`authorization` is none of its three forms",
                "help: write `reader`, or `token-file`, or `client-certificate` with `key`",
            ],
        );
    }
    check(
        "upstream: { url: https://h, authorization: readers }",
        &["`readers` is not known as a value of `authorization`", "help: did you mean `reader`?"],
    );
    check(
        "upstream: { url: https://h, timeout: { idle: 2m, total: 0s, connect: 5 } }",
        &[
            "`5` is no time",
            "help: write a number and `ms`, `s`, `m`, `h` or `d`, like `500ms`",
            "a timeout is from `1ms` to `1h`",
            "`idle` is longer than `total`",
        ],
    );
}

#[test]
fn wrong_in_each_part_of_the_limits_and_keys() {
    check("cursors: { expire: 10s }", &["this time is from `1m` to `30d`"]);
    check(
        "cursors: { expire: 1 hour }",
        &[
            "`1 hour` is no time",
            "help: write a number and `ms`, `s`, `m`, `h` or `d`, like `500ms`",
        ],
    );
    check(
        "limits: { reader: [{}, { requests: 1 per 1m, records: 1 per 1m }, { requests: 5 per 1s }] }",
        &[
            "a limit must say of what",
            "help: write `requests: 120 per 1m`",
            "a limit is of `requests` or of `records`, not of both",
            "help: write two items",
            "the time of a rate is from `1m` to `30d`",
        ],
    );
    check(
        "admin: { address: 127.0.0.1:80 }",
        &["`admin` and `listen` cannot share an address", "help: give `admin` another port"],
    );
    check(
        "limits: { hold: 8MiB, held: 4MiB }",
        &["`held` must be at least `hold`", "help: else no body could be held"],
    );
    check("memberz: x", &["unknown key `memberz` in the file", "help: did you mean `members`?"]);
    check(
        "restrictions:",
        &["`restrictions` has no value", "help: give it one, or remove the key"],
    );
}

#[test]
fn limits_that_cannot_be_meant() {
    check(
        "limits: { page-records: 50, reader: [{ records: 20 per 1d }, { records: 90 per 30d }] }",
        &[
            "a page of 50 records is over the limit `records-1d`",
            "help: write at most 20, or a larger limit: no such page could leave",
        ],
    );
    check(
        "limits: { contract: [{ bytes: 1MiB per 1d }] }",
        &[
            "a body of `hold` (8MiB) is over the limit `contract-bytes-1d`",
            "help: write a smaller `hold`, or a larger limit: no such body could leave",
        ],
    );
    check(
        "limits: { subject: [{ subjects: 3 per 1d }], address: [{ bytes: 1GiB per 1d }] }",
        &[
            "`subject` has no limit of `subjects`",
            "help: write `requests` or `records` or `bytes`",
            "`address` has no limit of `bytes`",
            "help: write `requests`",
        ],
    );
    check(
        "limits: { reader: [{ requests: 9 per 1h }, { requests: 8 per 60m }] }",
        &["a second limit of `requests` per 1h", "help: keep the smaller one"],
    );
    check(
        "limits: { reader: [{ bytes: 9 per 1d }, { subjects: 1000001 per 1d }], keys: 1 }",
        &[
            "`9 per 1d` is no rate of bytes",
            "help: write a size, `per` and a time, like `500MiB per 1d`",
            "a limit of `subjects` is at most 1000000",
            "help: each of them is remembered",
            "this must be from 1000 to 100000000",
        ],
    );
    check(
        "limits: { shared: redis://localhost }",
        &[
            "proxies that count together need a secret that they share",
            "help: set `cursors.keys`, or write `shared: { url: …, key: F }`",
        ],
    );
    check(
        "limits: { shared: { url: 'redis://u:p@h', key: k, password-file: a, password-env: B } }",
        &[
            "`redis://u:p@h` is no URL that can be used: secrets come from files, not from a URL",
            "the password is in a file or in the environment, not in both",
            "help: keep one of the two",
        ],
    );
    check(
        "limits: { shared: { url: 'redis://h/one', key: k } }",
        &["`redis://h/one` is no URL that can be used: its database is no number"],
    );
    // Where nobody says how long pages are, they fit.
    let text = LEAST.to_owned() + "limits: { reader: [{ records: 20 per 1d }] }\n";
    assert_eq!(read(&text).unwrap().judging.limits.page_records, 20);
    let shared = "cursors: { keys: c }\nlimits: { shared: 'rediss://[::1]/3' }\n";
    let shared = read(&(LEAST.to_owned() + shared)).unwrap().judging.limits.reads.shared.unwrap();
    assert_eq!((shared.address.tls, shared.address.port, shared.address.database), (true, 6379, 3));
    assert_eq!(shared.key.as_deref(), Some(Path::new("/etc/sequester/c")));
}

#[test]
fn redact_needs_members_and_policies_only() {
    let read = |text: &str| {
        let judging = Judging::read(&SourceFile::new("s.yaml", text), Path::new(""));
        judging.map_err(|mistakes| shown(&mistakes))
    };
    let judging = read("members: { file: m.csv }\npolicies: p\n").unwrap();
    assert_eq!(judging.members, Path::new("m.csv"));
    let settings = judging.settings();
    assert_eq!((settings.hold, settings.record, settings.depth), (8 << 20, 4 << 20, 64));
    // What it does not read may even be impossible, as long as every key is known.
    let text =
        "members: { file: m.csv }\npolicies: p\nlisten: { address: nowhere }\nidentity: {}\n";
    assert!(read(text).is_ok());
    assert!(read("members: { file: m.csv }\npolicies: p\nlisten: { adress: x }\n").is_err());
    let told = read("members: { file: m.csv }\n").unwrap_err();
    assert!(told.starts_with("error: the file needs the key `policies`\n"), "{told}");
}

fn rate(most: u64, seconds: u64) -> Rate {
    Rate { most: NonZeroU64::new(most).unwrap(), per: Duration::from_secs(seconds) }
}

#[test]
fn sizes_durations_and_rates() {
    for (text, bytes) in [("0B", 0), ("8MiB", 8 << 20), ("64KiB", 65_536), ("2GiB", 2 << 30)] {
        assert_eq!(units::size(text), Ok(bytes));
    }
    for text in ["8", "8MB", "8 MiB", "-1B", "1.5MiB", "MiB", "", "99999999999GiB", "8mib", "+8B"] {
        assert!(units::size(text).is_err(), "{text}");
    }
    for (text, ms) in [("500ms", 500), ("2s", 2_000), ("1m", 60_000), ("30d", 2_592_000_000)] {
        assert_eq!(units::duration(text), Ok(Duration::from_millis(ms)));
    }
    for text in ["2", "2 s", "s", "2sec", "99999999999999999999s", "999999999999999999d"] {
        assert!(units::duration(text).is_err(), "{text}");
    }
    assert_eq!(units::rate("120 per 1m"), Ok(rate(120, 60)));
    for text in
        ["120", "120/1m", "0 per 1m", "1 per 0s", "1  per 1m", "1 per 1m ", "x per 1m", "1k per 1m"]
    {
        assert!(units::rate(text).is_err(), "{text}");
    }
}

#[test]
fn urls_have_one_reading() {
    for (text, canonical) in [
        ("https://Members.Example", "https://members.example/"),
        ("https://h:443/a?b=c", "https://h/a?b=c"),
        ("http://h:8080?x", "http://h:8080/?x"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/"),
    ] {
        assert_eq!(address::url(text).map(|url| url.to_string()), Ok(canonical.to_owned()));
    }
    for text in [
        "",
        "h",
        "//h",
        "ftp://h",
        "HTTPS://h",
        "https:/h",
        "https://",
        "https:///x",
        "https://h:",
        "https://h:0",
        "https://h:65536",
        "https://h:+1",
        "https://h:080",
        "https://u:p@h",
        "https://h#f",
        "https://h/a b",
        "https://h\\@x",
        "https://127.1",
        "https://0x7f.1",
        "https://1.2.3.4.5",
        "https://-h",
        "https://h..x",
        "https://[::1",
        "https://[::1]x",
        "https://[h]",
        "https://é.example",
        "https://h:1:2",
        " https://h",
        "https://h\n",
        "https://h.",
    ] {
        assert!(address::url(text).is_err(), "{text:?}");
    }
    for text in ["https://h/x", "https://h/?x", "https://h//"] {
        assert!(address::origin(text).is_err(), "{text:?}");
    }
}

#[test]
fn files_that_are_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sequester.yaml");
    std::fs::write(&path, LEAST).unwrap();
    std::fs::create_dir(folder.path().join("p")).unwrap();
    let config = Config::load(&path).unwrap();
    let missing =
        shown(&config.missing_files()).replace(&format!("{}", folder.path().display()), "");
    assert_eq!(
        missing,
        "error: no such file\n --> /m.csv\n  = help: paths are relative to the file that names them\n"
    );
    let told = Config::load(&folder.path().join("none.yaml")).unwrap_err();
    assert_eq!(told.len(), 1);
}

#[test]
fn what_other_machines_reach_in_clear_is_a_warning() {
    let warnings = |listen: &str, admin: &str| {
        let text = LEAST.replace("address: 127.0.0.1:80", &format!("address: {listen}"));
        let config = read(&format!("{text}admin: {{ address: '{admin}' }}\n"));
        let config = config.unwrap_or_else(|told| panic!("{told}"));
        let told = config.warnings(Path::new("s.yaml"));
        assert!(told.iter().all(|mistake| mistake.severity == super::Severity::Warning));
        let first = |told: &super::Diagnostic| told.message.split(' ').next().map(str::to_owned);
        told.iter().filter_map(first).collect::<Vec<_>>()
    };
    assert_eq!(warnings("127.0.0.1:80", "[::1]:9464"), [""; 0]);
    assert_eq!(warnings("0.0.0.0:80", "127.0.0.1:9464"), ["`listen`"]);
    assert_eq!(warnings("10.0.0.7:80", "0.0.0.0:9464"), ["`listen`", "`admin`"]);
    assert_eq!(warnings("unix:/run/a.sock", "10.0.0.7:9464"), ["`admin`"]);
    let tls = "0.0.0.0:80, tls: { certificate: c, key: k }";
    assert_eq!(warnings(tls, "127.0.0.1:9464"), [""; 0]);
}

#[test]
fn keys_stand_in_lines() {
    let line = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let text = format!("# the newest first\n\n {line} \r\n{line}");
    let keys = key_lines(text.as_bytes()).unwrap();
    assert_eq!((keys.len(), keys[1][31]), (2, 31));
    assert_eq!(key_lines(b"# none\n"), Some(Vec::new()));
    for wrong in ["AAEC", "no base64", "\u{e4}"] {
        assert_eq!(key_lines(format!("{line}\n{wrong}\n").as_bytes()), None, "{wrong}");
    }
}
