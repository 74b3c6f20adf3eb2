//! I: who reads.

use super::{
    CLAIMS, DAUGHTER, Deployment, Files, MOTHER, NOTHING, SECRET, Stand, Upstream, ask, bundle,
    claim, claims, good, harmless, hidden, yaml,
};
use crate::proxy::tls;
use jiff::{Timestamp, ToSpan};
use rustls::ClientConfig;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

async fn stand() -> Stand {
    Stand::house(good("application/json", &claims(&[harmless(), hidden()]))).await
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Claims that hold, of the daughter.
fn claims_that_hold() -> Value {
    json!({
        "iss": "https://login.example", "aud": "member-api", "member_id": DAUGHTER,
        "azp": "portal", "iat": now_s(), "exp": now_s() + 300,
    })
}

const HEADER: &str = r#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#;

impl Stand {
    /// The status of her claims with this token.
    async fn with_token(&self, token: &str) -> u16 {
        let field = format!("Authorization: Bearer {token}");
        ask(self.proxy.address, &format!("GET {CLAIMS}"), &[&field]).await.status
    }

    /// None of these tokens lets anybody in.
    async fn lets_nobody_in(&self, tokens: &[String]) {
        let good = self.proxy.files.sign(&claims_that_hold());
        assert_eq!(self.with_token(&good).await, 200);
        for token in tokens {
            assert_eq!(self.with_token(token).await, 401, "{token}");
        }
        assert_eq!(self.asked().len(), 1);
    }

    /// With these claims changed.
    fn tokens(&self, changes: &[Value]) -> Vec<String> {
        let token = |change: &Value| {
            let mut claims = claims_that_hold();
            for (name, value) in change.as_object().unwrap() {
                if value == "ABSENT" {
                    claims.as_object_mut().unwrap().remove(name);
                } else {
                    claims[name] = value.clone();
                }
            }
            self.proxy.files.sign(&claims)
        };
        changes.iter().map(token).collect()
    }

    /// With these headers.
    fn headed(&self, headers: &[&str]) -> Vec<String> {
        let claims = claims_that_hold().to_string();
        headers.iter().map(|header| self.proxy.files.sign_text(header, &claims)).collect()
    }
}

#[tokio::test]
async fn bypass_I1_algorithms_that_the_sender_chooses() {
    let stand = stand().await;
    let mut tokens = stand.headed(&[
        r#"{"alg":"none","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"None","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"RS256","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"ES384","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"es256","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":["ES256"],"kid":"k1","typ":"JWT"}"#,
        r#"{"kid":"k1","typ":"JWT"}"#,
    ]);
    let unsigned = stand.headed(&[r#"{"alg":"none","kid":"k1","typ":"JWT"}"#]).remove(0);
    let message = unsigned.rsplit_once('.').unwrap().0;
    tokens.push(format!("{message}."));
    tokens.push(message.to_owned());
    let good = stand.proxy.files.sign(&claims_that_hold());
    let (message, signature) = good.rsplit_once('.').unwrap();
    tokens.push(format!("{message}.{}", signature.chars().rev().collect::<String>()));
    tokens.push(format!("{message}.AAAA"));
    // Its claims under the signature of another token.
    let other = stand.tokens(&[json!({"member_id": MOTHER})]).remove(0);
    tokens.push(format!("{message}.{}", other.rsplit_once('.').unwrap().1));
    stand.lets_nobody_in(&tokens).await;
}

#[tokio::test]
async fn bypass_I2_headers_that_bring_or_fetch_keys() {
    let keys = Upstream::scripted(good("application/json", "{\"keys\":[]}")).await;
    let stand = stand().await;
    let jku = format!(r#"{{"alg":"ES256","kid":"k1","typ":"JWT","jku":"{}/k"}}"#, keys.url());
    let x5u = jku.replace("jku", "x5u");
    let tokens = stand.headed(&[
        r#"{"alg":"ES256","kid":"../../etc/passwd","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":"k1' OR '1'='1","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":"","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":1,"typ":"JWT"}"#,
        r#"{"alg":"ES256","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":"k1","kid":"k1","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":"k1","typ":"JWT","jwk":{"kty":"EC"}}"#,
        r#"{"alg":"ES256","kid":"k1","typ":"JWT","x5c":["MII"]}"#,
        &jku,
        &x5u,
    ]);
    stand.lets_nobody_in(&tokens).await;
    assert!(keys.requests().is_empty());
}

#[tokio::test]
async fn bypass_I3_claims_that_are_missing_or_of_another_type() {
    let stand = stand().await;
    let tokens = stand.tokens(&[
        json!({"aud": "ABSENT"}),
        json!({"iss": "ABSENT"}),
        json!({"exp": "ABSENT"}),
        json!({"member_id": "ABSENT"}),
        json!({"aud": 7}),
        json!({"aud": []}),
        json!({"aud": ["member-api", 7]}),
        json!({"aud": {"member-api": true}}),
        json!({"aud": "member-api "}),
        json!({"iss": {}}),
        json!({"iss": ["https://login.example"]}),
        json!({"iss": "https://login.example/"}),
        json!({"member_id": 102}),
        json!({"member_id": ["M-102"]}),
        json!({"member_id": ""}),
        json!({"member_id": null}),
        json!({"azp": 7}),
    ]);
    stand.lets_nobody_in(&tokens).await;
}

#[tokio::test]
async fn bypass_I4_tokens_from_the_future_and_the_past() {
    let stand = stand().await;
    let now = now_s();
    let tokens = stand.tokens(&[
        json!({"exp": now - 59}),
        json!({"exp": now - 31}),
        json!({"exp": 0}),
        json!({"exp": -1}),
        json!({"exp": (now + 300).to_string()}),
        json!({"exp": 1_795_333_518.5}),
        json!({"nbf": now + 90}),
        json!({"nbf": (now - 5).to_string()}),
        json!({"iat": now + 90}),
        json!({"iat": "now"}),
    ]);
    stand.lets_nobody_in(&tokens).await;
}

#[tokio::test]
async fn bypass_I5_tokens_that_demand_or_are_something_else() {
    let stand = stand().await;
    let mut tokens = stand.headed(&[
        r#"{"alg":"ES256","kid":"k1","typ":"JWT","crit":["b64"],"b64":false}"#,
        r#"{"alg":"ES256","kid":"k1","typ":"JWT","crit":[]}"#,
        r#"{"alg":"ES256","kid":"k1","typ":"JWT","zip":"DEF"}"#,
        r#"{"alg":"ES256","kid":"k1","typ":"JWT","cty":"JWT"}"#,
        r#"{"alg":"ES256","kid":"k1","typ":"logout+jwt"}"#,
        r#"{"alg":"ES256","kid":"k1","typ":"dpop+jwt"}"#,
        r#"{"alg":"ES256","kid":"k1"}"#,
        r#"{"alg":"ES256","enc":"A256GCM","kid":"k1","typ":"JWT"}"#,
        "[]",
    ]);
    let good = stand.proxy.files.sign(&claims_that_hold());
    tokens.push(format!("{good}.a.b"));
    tokens.push(stand.proxy.files.sign_text(HEADER, &good));
    tokens.extend(stand.tokens(&[json!({"nonce": "x"}), json!({"at_hash": "x"})]));
    stand.lets_nobody_in(&tokens).await;
}

#[tokio::test]
async fn bypass_I6_claims_that_are_there_twice_and_names_alike() {
    let stand = stand().await;
    let whole = claims_that_hold().to_string();
    let twice = |more: &str| whole.replacen('{', &format!("{{{more},"), 1);
    let mut tokens: Vec<String> = [
        "\"member_id\":\"M-100\"",
        "\"m\\u0065mber_id\":\"M-100\"",
        "\"aud\":\"other\"",
        "\"exp\":1",
    ]
    .iter()
    .map(|more| stand.proxy.files.sign_text(HEADER, &twice(more)))
    .collect();
    tokens.push(stand.proxy.files.sign_text(HEADER, &format!("{whole}x")));
    for name in ["M-102\u{200b}", "\u{ff2d}-102", "M\u{2010}102", "M-102\n", "a@b@M-102"] {
        tokens.extend(stand.tokens(&[json!({"member_id": name})]));
    }
    stand.lets_nobody_in(&tokens).await;
    // A name is one person's to the letter; another is nobody's here.
    let other = stand.tokens(&[json!({"member_id": "m-102"})]).remove(0);
    let field = format!("Authorization: Bearer {other}");
    let answer = ask(stand.proxy.address, &format!("GET {CLAIMS}"), &[&field]).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn bypass_I7_floods_of_unknown_keys_and_keys_that_are_weak() {
    let upstream = Upstream::scripted(good("application/json", &claims(&[harmless()]))).await;
    let files = Files::new();
    let keys = std::fs::read_to_string(files.path("jwks.json")).unwrap();
    let issuer = Upstream::scripted(good("application/json", &keys)).await;
    let text = yaml(&upstream.url(), "")
        .replace("keys: jwks.json", &format!("keys: '{}/jwks'", issuer.url()));
    let proxy = files.start(&text).await;
    let stand = Stand { upstream, proxy };
    for number in 0..60 {
        let header = format!(r#"{{"alg":"ES256","kid":"unknown-{number}","typ":"JWT"}}"#);
        let token = stand.headed(&[&header]).remove(0);
        assert_eq!(stand.with_token(&token).await, 401);
    }
    assert!(issuer.requests().len() <= 3, "{}", issuer.requests().len());
    assert_eq!(stand.get(MOTHER, CLAIMS).await.status, 200);
    // Keys that are weak, for something else, or say neither: there is nobody to check with.
    for (from, to) in
        [("\"kid\"", "\"use\":\"enc\",\"kid\""), ("P-256", "P-999"), ("\"kid\"", "\"no\"")]
    {
        let files = Files::new();
        let bad = std::fs::read_to_string(files.path("jwks.json")).unwrap().replace(from, to);
        files.write("jwks.json", &bad);
        let config = files.config(&yaml("http://127.0.0.1:1", ""));
        let started = sequester::proxy::Service::start(&config, |_| {}).await;
        assert!(started.is_err(), "{bad}");
    }
}

#[tokio::test]
async fn bypass_I9_a_token_bound_to_a_key_that_is_not_shown() {
    let stand = stand().await;
    let tokens = stand.tokens(&[
        json!({"cnf": {"jkt": "x"}}),
        json!({"cnf": {"x5t#S256": "x"}}),
        json!({"cnf": {}}),
        json!({"cnf": null}),
    ]);
    stand.lets_nobody_in(&tokens).await;
    let good = stand.proxy.files.sign(&claims_that_hold());
    for scheme in ["DPoP", "Token", "Basic", "JWT"] {
        let field = format!("Authorization: {scheme} {good}");
        let answer = ask(stand.proxy.address, &format!("GET {CLAIMS}"), &[&field]).await;
        assert_eq!(answer.status, 401, "{scheme}");
    }
}

#[tokio::test]
async fn bypass_I10_records_filed_under_another_person() {
    // The plan files what is the daughter's under the mother's coverage.
    let eob = format!(
        "{{\"resourceType\":\"ExplanationOfBenefit\",\"id\":\"{SECRET}\",\"patient\":{{\"reference\":\
         \"Patient/p-102\"}},\"insurance\":[{{\"focal\":true,\"coverage\":{{\"reference\":\"Coverage/c-100\"}}\
         }}],\"payee\":{{\"party\":{{\"reference\":\"Patient/p-100\"}}}},\"diagnosis\":[{{\"sequence\":1,\
         \"diagnosisCodeableConcept\":{{\"coding\":[{{\"system\":\"http://hl7.org/fhir/sid/icd-10-cm\",\
         \"code\":\"F33.1\"}}]}}}}]}}"
    );
    let stand = Stand::fhir(&bundle(&[eob])).await;
    let answer = stand.get(MOTHER, "/fhir/ExplanationOfBenefit?patient=p-100").await;
    assert_eq!(answer.body, NOTHING);
    let misplaced = [
        claim(SECRET, "M-102", "F33.1", ",\"subscriberId\":\"M-100\",\"policyHolder\":\"M-100\""),
        claim(SECRET, "M-102", "F33.1", "").replace("\"M-102\"", "[\"M-100\",\"M-102\"]"),
    ];
    let all = [harmless(), misplaced[0].clone(), misplaced[1].clone()];
    let stand = Stand::house(good("application/json", &claims(&all))).await;
    assert_eq!(stand.get(MOTHER, CLAIMS).await.body, claims(&[harmless()]));
    // Names that belong to two people are refused with the file.
    let files = Files::new();
    let members = std::fs::read_to_string(files.path("members.csv")).unwrap();
    files.write("members.csv", members.replace("Patient/p-102", "Patient/p-100"));
    let config = files.config(&yaml("http://127.0.0.1:1", ""));
    assert!(sequester::proxy::Service::start(&config, |_| {}).await.is_err());
}

#[tokio::test]
async fn bypass_I11_a_portals_header_from_somebody_else() {
    let jwt = "jwt: { issuer: https://login.example, audience: member-api, keys: jwks.json, \
               member-claim: member_id, client-claim: azp }";
    let text = yaml("http://127.0.0.1:1", "").replace(jwt, "header: { name: X-Member-Id }");
    // Where anybody may connect, no header says who reads.
    let told = refused(&text);
    assert!(told.contains("header"), "{told}");
    // With client certificates nobody but the portal connects.
    let upstream = Upstream::scripted(good("application/json", &claims(&[harmless()]))).await;
    let (server, portal) = (tls::pki(), tls::pki());
    let proxy = tls::deployment(&upstream.url(), &server, Some(&portal)).await;
    for client in [None, Some(&server)] {
        let connector = tls::connector(&server, client, &[]);
        let Ok(mut socket) = tls::connect(proxy.address, connector).await else { continue };
        let sent = super::request(&format!("GET {CLAIMS}"), &["X-Member-Id: M-100"], "");
        let read = crate::proxy::client::exchange_on(&mut socket, &sent).await;
        assert!(read.is_empty());
    }
    assert!(upstream.requests().is_empty());
}

/// The mistakes of a configuration.
fn refused(text: &str) -> String {
    let file = sequester::engine::diagnostics::SourceFile::new("sequester.yaml", text);
    let folder = std::path::Path::new("/nowhere");
    let mistakes = sequester::config::Config::read(&file, folder).unwrap_err();
    mistakes.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn bypass_I12_a_token_and_a_portals_header() {
    let stand = stand().await;
    let token = stand.proxy.files.token(MOTHER);
    let two = ask(stand.proxy.address, &format!("GET {CLAIMS}"), &[&token, &token]).await;
    assert_eq!(two.status, 400);
    let answers = super::requests::portal(&[
        &["X-Member-Id: M-100", &token],
        &["X-Member-Id: M-100", "Authorization: Basic eDp5"],
        &["X-Member-Id: M-100", "Authorization:"],
    ])
    .await;
    assert!(answers.iter().all(|answer| answer.status == 400), "{answers:?}");
}

#[tokio::test]
async fn bypass_I13_tls_sessions_and_early_data() {
    let upstream = Upstream::scripted(good("application/json", &claims(&[harmless()]))).await;
    let (server, portal) = (tls::pki(), tls::pki());
    let proxy = tls::deployment(&upstream.url(), &server, Some(&portal)).await;
    let client = |with: bool| {
        let builder = ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(server.roots());
        if with {
            builder.with_client_auth_cert(portal.chain(), portal.key()).unwrap()
        } else {
            builder.with_no_client_auth()
        }
    };
    let mut config = client(true);
    config.enable_early_data = true;
    let config = Arc::new(config);
    let connector = tokio_rustls::TlsConnector::from(Arc::clone(&config));
    let token = proxy.files.token(MOTHER);
    let sent = super::request(&format!("GET {CLAIMS}"), &[&token], "");
    for _ in 0..3 {
        let mut socket = tls::connect(proxy.address, connector.clone()).await.unwrap();
        let read = crate::proxy::client::exchange_on(&mut socket, &sent).await;
        assert_eq!(super::parse(&read).status, 200);
        // A session may go on, and nothing may be sent before it does.
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let mut again = rustls::ClientConnection::new(Arc::clone(&config), name).unwrap();
        assert!(again.early_data().is_none());
    }
    // What one client's session may, another without a certificate may not.
    let mut stranger = client(false);
    stranger.resumption = rustls::client::Resumption::in_memory_sessions(8);
    let connector = tokio_rustls::TlsConnector::from(Arc::new(stranger));
    for _ in 0..2 {
        let Ok(mut socket) = tls::connect(proxy.address, connector.clone()).await else { continue };
        assert!(crate::proxy::client::exchange_on(&mut socket, &sent).await.is_empty());
    }
    assert_eq!(upstream.requests().len(), 3);
}

#[tokio::test]
async fn bypass_I15_birthdays_and_revoked_grants() {
    // Today is the day that has begun anywhere: in UTC+14. In Ohio consent begins at 14.
    let today =
        Timestamp::now().checked_add(14.hours()).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date();
    let turned = today.checked_sub(14.years()).unwrap();
    let tomorrow = turned.checked_add(1.day()).unwrap();
    let members = format!(
        "member_id,contract_id,relationship,birth_date,state,from,until,ids\n\
         M-100,C-1,self,1974-05-16,OH,2015-01-01,,\n\
         M-102,C-1,child,2001-02-03,OH,2015-01-01,,\n\
         M-103,C-1,child,{turned},OH,2015-01-01,,\n\
         M-104,C-1,child,{tomorrow},OH,2015-01-01,,\n"
    );
    let all: Vec<String> = ["M-102", "M-103", "M-104"]
        .iter()
        .map(|m| claim(&format!("OF-{m}"), m, "F33.1", ""))
        .collect();
    let upstream = Upstream::scripted(good("application/json", &claims(&all))).await;
    let files = Files::new();
    files.write("members.csv", members);
    let head = "grant_id,kind,subject,reader,categories,from,until,revoked,verified_by\n";
    let grant = |until: &str, revoked: &str| {
        format!(
            "{head}G-1,authorization,M-102,M-100,mental-health,2026-01-01,{until},{revoked},IAL2\n"
        )
    };
    files.write("grants.csv", grant("2999-01-01", ""));
    let more = "grants: { file: grants.csv }\nlimits: { reader: [{ requests: 9999 per 1m }] }";
    let proxy = files.start(&yaml(&upstream.url(), more)).await;
    let seen = async |proxy: &Deployment| {
        let answer = proxy.get(MOTHER, CLAIMS).await;
        assert_eq!(answer.status, 200);
        let body = answer.body;
        ["M-102", "M-103", "M-104"].map(|member| body.contains(&format!("OF-{member}")))
    };
    assert_eq!(seen(&proxy).await, [true, false, true]);
    for void in [grant("2999-01-01", &today.to_string()), grant("2026-01-02", "")] {
        let new = proxy.files.path("grants.new");
        std::fs::write(&new, void).unwrap();
        std::fs::rename(&new, proxy.files.path("grants.csv")).unwrap();
        let closed = async {
            while seen(&proxy).await[0] {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), closed).await.unwrap();
        std::fs::write(&new, grant("2999-01-01", "")).unwrap();
        std::fs::rename(&new, proxy.files.path("grants.csv")).unwrap();
        let open = async {
            while !seen(&proxy).await[0] {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), open).await.unwrap();
    }
}

#[tokio::test]
async fn bypass_I16_a_token_meant_for_another_application() {
    let stand = stand().await;
    let tokens = stand.tokens(&[
        json!({"aud": "other-api"}),
        json!({"aud": ["other-api", "portal"]}),
        json!({"aud": "MEMBER-API"}),
        json!({"iss": "https://login.example.evil"}),
    ]);
    stand.lets_nobody_in(&tokens).await;
    // Which application asked stands in the record.
    let app = stand.tokens(&[json!({"azp": "budget-app"})]).remove(0);
    assert_eq!(stand.with_token(&app).await, 200);
    assert_eq!(stand.proxy.files.audit().last().unwrap()["client"], "budget-app");
}

#[tokio::test]
async fn bypass_I18_cookies_and_tokens_in_the_query() {
    let stand = stand().await;
    let good = stand.proxy.files.sign(&claims_that_hold());
    let cookie = format!("Cookie: access_token={good}; __Host-session={good}");
    let nobody = ask(stand.proxy.address, &format!("GET {CLAIMS}"), &[&cookie]).await;
    assert_eq!(nobody.status, 401);
    let line = format!("GET {CLAIMS}?access_token={good}");
    assert_eq!(ask(stand.proxy.address, &line, &[]).await.status, 401);
    let answer = stand.get(MOTHER, &format!("{CLAIMS}?access_token=x")).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("`access_token`"));
    let plain = stand.get(MOTHER, CLAIMS).await;
    let with = stand.ask(MOTHER, &format!("GET {CLAIMS}"), &[&cookie]).await;
    assert_eq!(with.comparable(), plain.comparable());
    assert!(!with.fields.contains_key("set-cookie"));
    assert!(stand.asked().iter().all(|asked| !asked.to_lowercase().contains("cookie")));
}
