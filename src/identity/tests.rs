//! Tokens and headers, good and bad (BYPASSES I1 to I7, I9, I12, P7, P8).

use super::*;
use crate::config::meant::{Jwt, Keys, Origin, Url};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const NOW: u64 = 1_800_000_000;

struct Signer {
    kid: &'static str,
    algorithm: Algorithm,
    key: EncodingKey,
    /// Where the library makes no JWK.
    public: Option<Vec<u8>>,
}

fn es256(kid: &'static str) -> Signer {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
    Signer { kid, algorithm: Algorithm::ES256, key, public: None }
}

fn ed25519(kid: &'static str) -> Signer {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let key = EncodingKey::from_ed_pem(pair.serialize_pem().as_bytes()).unwrap();
    Signer { kid, algorithm: Algorithm::EdDSA, key, public: Some(pair.public_key_raw().to_vec()) }
}

fn rsa(kid: &'static str, algorithm: Algorithm) -> Signer {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
    let key = EncodingKey::from_rsa_pem(pair.unwrap().serialize_pem().as_bytes()).unwrap();
    Signer { kid, algorithm, key, public: None }
}

impl Signer {
    fn jwk(&self) -> Value {
        if let Some(x) = &self.public {
            let x = URL_SAFE_NO_PAD.encode(x);
            return json!({"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "x": x});
        }
        let jwk = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["kid"] = self.kid.into();
        jwk
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    fn header(&self) -> Value {
        json!({"alg": format!("{:?}", self.algorithm), "kid": self.kid, "typ": "JWT"})
    }
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn claims() -> Value {
    json!({
        "iss": "https://login.example", "aud": "member-api", "exp": NOW + 300, "iat": NOW,
        "nbf": NOW, "member_id": "M-100", "azp": "portal",
    })
}

fn keys_in(file: &Path, jwks: &[Value]) {
    std::fs::write(file, json!({ "keys": jwks }).to_string()).unwrap();
}

fn identity(jwks: &[Value]) -> Identity {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    keys_in(&file, jwks);
    identity_from(Keys::File(file))
}

fn identity_from(keys: Keys) -> Identity {
    let settings = Jwt {
        issuer: "https://login.example".to_owned(),
        audience: "member-api".to_owned(),
        keys,
        member_claim: "member_id".to_owned(),
        client_claim: Some("azp".to_owned()),
    };
    Identity::new(&meant::Identity::Jwt(settings)).unwrap()
}

fn bearer(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
}

async fn read(identity: &Identity, token: &str) -> Result<String, Rejected> {
    identity.reader(&bearer(token), NOW).await.map(|reader| reader.member)
}

#[tokio::test]
async fn a_good_token_of_every_kind_of_key() {
    for signer in [
        es256("a"),
        ed25519("a"),
        rsa("a", Algorithm::RS256),
        rsa("a", Algorithm::RS512),
        rsa("a", Algorithm::PS384),
    ] {
        let identity = identity(&[signer.jwk()]);
        let reader = identity.reader(&bearer(&signer.token(&claims())), NOW).await.unwrap();
        assert_eq!(reader.member, "M-100");
        assert_eq!(reader.client.as_deref(), Some("portal"));
        assert_eq!(format!("{:?}", reader.bearer.unwrap()), "Bearer(..)");
    }
}

#[tokio::test]
async fn bypass_i1_algorithms_are_the_keys_own() {
    let signer = rsa("a", Algorithm::RS256);
    let identity = identity(&[signer.jwk()]);
    let other = Rejected::Invalid("an algorithm that is not the key's");
    for algorithm in ["none", "None", "HS256", "RS384", "PS256", "ES256", "rs256"] {
        let header = json!({"alg": algorithm, "kid": "a", "typ": "JWT"}).to_string();
        let token = signer.sign(&header, &claims().to_string());
        assert_eq!(read(&identity, &token).await, Err(other), "{algorithm}");
    }
    // Signed by HMAC with the public key as secret.
    let secret = EncodingKey::from_secret(signer.jwk()["n"].as_str().unwrap().as_bytes());
    let hmac = Signer { kid: "a", algorithm: Algorithm::HS256, key: secret, public: None };
    assert_eq!(read(&identity, &hmac.token(&claims())).await, Err(other));
    let unsigned = format!("{}.{}.", encode("{\"alg\":\"none\"}"), encode("{}"));
    assert!(read(&identity, &unsigned).await.is_err());
}

#[tokio::test]
async fn a_signature_that_does_not_hold() {
    let signer = es256("a");
    let identity = identity(&[signer.jwk()]);
    let bad = Err(Rejected::Invalid("a signature that does not hold"));
    assert_eq!(read(&identity, &es256("a").token(&claims())).await, bad);
    let token = signer.token(&claims());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let mut forged = claims();
    forged["member_id"] = "M-102".into();
    let forged = format!("{header}.{}.{signature}", encode(&forged.to_string()));
    assert_eq!(read(&identity, &forged).await, bad);
}

#[tokio::test]
async fn bypass_i2_i5_headers_that_bring_keys_or_demands() {
    let signer = es256("a");
    let identity = identity(&[signer.jwk()]);
    for (name, value) in [
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/x5u")),
        ("x5c", json!(["MIIB"])),
        ("jwk", signer.jwk()),
        ("crit", json!(["b64"])),
        ("b64", json!(false)),
        ("cty", json!("JWT")),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
    ] {
        let mut header = signer.header();
        header[name] = value;
        let token = signer.sign(&header.to_string(), &claims().to_string());
        let why = Rejected::Invalid("a token header with a member that is not taken");
        assert_eq!(read(&identity, &token).await, Err(why), "{name}");
    }
    for kid in ["../../key", "' or 1=1", "b", ""] {
        let header = json!({"alg": "ES256", "kid": kid, "typ": "JWT"}).to_string();
        let token = signer.sign(&header, &claims().to_string());
        assert_eq!(read(&identity, &token).await, Err(Rejected::Invalid("an unknown key")));
    }
    for header in [
        r#"{"alg":"ES256","kid":"a","typ":"dpop+jwt"}"#,
        r#"{"alg":"ES256","kid":"a"}"#,
        r#"{"alg":"ES256","typ":"JWT"}"#,
        r#"{"alg":"ES256","kid":"b","kid":"a","typ":"JWT"}"#,
        r#"{"alg":["ES256"],"kid":"a","typ":"JWT"}"#,
        "[]",
        "",
    ] {
        let token = signer.sign(header, &claims().to_string());
        assert!(read(&identity, &token).await.is_err(), "{header}");
    }
}

#[tokio::test]
async fn bypass_i3_i4_i6_claims_that_are_missing_wrong_or_there_twice() {
    let signer = es256("a");
    let identity = identity(&[signer.jwk()]);
    for (name, value) in [
        ("iss", json!(null)),
        ("iss", json!({})),
        ("iss", json!(["https://login.example"])),
        ("iss", json!("https://login.example/")),
        ("aud", json!(null)),
        ("aud", json!(7)),
        ("aud", json!("other")),
        ("aud", json!([])),
        ("aud", json!(["member-api", 7])),
        ("exp", json!(null)),
        ("exp", json!((NOW + 300).to_string())),
        ("exp", json!(1.8e9)),
        ("exp", json!(-1)),
        ("exp", json!(NOW - 31)),
        ("nbf", json!(NOW + 31)),
        ("nbf", json!("0")),
        ("iat", json!(NOW + 31)),
        ("iat", json!({})),
        ("cnf", json!({"jkt": "x"})),
        ("nonce", json!("x")),
        ("member_id", json!(null)),
        ("member_id", json!(100)),
        ("member_id", json!("")),
        ("member_id", json!("M-100 ")),
        ("member_id", json!("M-1\u{661}")),
        ("member_id", json!("a".repeat(65))),
        ("azp", json!(7)),
        ("azp", json!("a b")),
    ] {
        let mut wrong = claims();
        if value.is_null() {
            wrong.as_object_mut().unwrap().remove(name);
        } else {
            wrong[name] = value;
        }
        let outcome = read(&identity, &signer.token(&wrong)).await;
        assert!(matches!(outcome, Err(Rejected::Invalid(_))), "{name}: {wrong}");
    }
    let twice = claims().to_string().replace("\"azp\"", "\"member_id\":\"M-102\",\"azp\"");
    let token = signer.sign(&signer.header().to_string(), &twice);
    assert!(read(&identity, &token).await.is_err());
}

#[tokio::test]
async fn what_is_left_out_and_what_clocks_allow() {
    let signer = es256("a");
    let identity = identity(&[signer.jwk()]);
    let mut lean = claims();
    for name in ["iat", "nbf", "azp"] {
        lean.as_object_mut().unwrap().remove(name);
    }
    lean["exp"] = (NOW - 29).into();
    lean["aud"] = json!(["other", "member-api"]);
    assert_eq!(read(&identity, &signer.token(&lean)).await, Ok("M-100".to_owned()));
}

#[tokio::test]
async fn one_authorization_of_one_form() {
    let signer = es256("a");
    let identity = identity(&[signer.jwk()]);
    let token = signer.token(&claims());
    let mut two = bearer(&token);
    two.append(AUTHORIZATION, "Bearer x".parse().unwrap());
    assert!(matches!(identity.reader(&two, NOW).await, Err(Rejected::Malformed(_))));
    let none = HeaderMap::new();
    assert_eq!(identity.reader(&none, NOW).await.unwrap_err(), Rejected::Missing);
    for (text, why) in [
        ("Basic dXNlcg==", Rejected::Missing),
        ("Bearer", Rejected::Missing),
        ("Bearer ", Rejected::Invalid("not a token")),
        ("Bearer  a.b.c", Rejected::Invalid("not a token")),
        ("Bearer a.b.c d", Rejected::Invalid("not a token")),
        ("Bearer a.b", Rejected::Invalid("not a token of three parts")),
        ("Bearer a.b.c.d", Rejected::Invalid("not a token of three parts")),
        ("Bearer ..", Rejected::Invalid("not a token of three parts")),
    ] {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, text.parse().unwrap())]);
        assert_eq!(identity.reader(&headers, NOW).await.unwrap_err(), why, "{text}");
    }
    for byte in (0x21..0x7f).map(char::from) {
        let text = format!("Bearer a.b{byte}b");
        let headers = HeaderMap::from_iter([(AUTHORIZATION, text.parse().unwrap())]);
        let refused = identity.reader(&headers, NOW).await.unwrap_err();
        let is_plain = byte.is_ascii_alphanumeric() || "-_.".contains(byte);
        assert_eq!(refused != Rejected::Invalid("not a token"), is_plain, "{text}");
    }
    let long = format!("Bearer {}", "a".repeat(9000));
    let headers = HeaderMap::from_iter([(AUTHORIZATION, long.parse().unwrap())]);
    assert!(identity.reader(&headers, NOW).await.is_err());
}

#[test]
fn bypass_i7_keys_that_are_weak_or_for_something_else() {
    let good = es256("good").jwk();
    let store = |jwks: &[Value]| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks.json");
        keys_in(&file, jwks);
        jwks::KeyStore::new(&Keys::File(file)).map(|_| ())
    };
    assert_eq!(store(std::slice::from_ref(&good)), Ok(()));
    let mut encryption = good.clone();
    encryption["use"] = "enc".into();
    let mut signing_only = good.clone();
    signing_only["key_ops"] = json!(["sign"]);
    let mut other_algorithm = good.clone();
    other_algorithm["alg"] = "ES384".into();
    let mut nameless = good.clone();
    nameless.as_object_mut().unwrap().remove("kid");
    let mut short = rsa("r", Algorithm::RS256).jwk();
    short["n"] = URL_SAFE_NO_PAD.encode([0xff; 128]).into();
    let secret = json!({"kty": "oct", "kid": "o", "k": "c2VjcmV0", "alg": "HS256"});
    for jwk in [encryption, signing_only, other_algorithm, nameless, short, secret] {
        assert!(store(std::slice::from_ref(&jwk)).unwrap_err().contains("no key that can be used"));
        assert_eq!(store(&[jwk, good.clone()]), Ok(()), "passed over beside a good one");
    }
    assert!(store(&[good.clone(), good]).unwrap_err().contains("two keys"));
}

#[tokio::test]
async fn a_replaced_file_is_read_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let (old, new) = (es256("old"), es256("new"));
    keys_in(&file, &[old.jwk()]);
    let identity = identity_from(Keys::File(file.clone()));
    assert!(read(&identity, &old.token(&claims())).await.is_ok());
    let look = || tokio::time::sleep(Duration::from_millis(1100));
    look().await;
    std::fs::write(&file, "{").unwrap();
    assert!(read(&identity, &old.token(&claims())).await.is_ok());
    let told: Vec<String> = identity.refused().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("is not the JSON of a key set"), "{}", told[0]);
    look().await;
    keys_in(&file, &[new.jwk()]);
    assert!(read(&identity, &new.token(&claims())).await.is_ok());
    assert!(read(&identity, &old.token(&claims())).await.is_err());
}

#[tokio::test]
async fn bypass_p7_p8_identity_headers() {
    let identity = Identity::Header(HeaderIdentity::new("X-Member-Id").unwrap());
    let read = async |headers: &[(&str, &[u8])]| {
        let headers = headers.iter().map(|(name, value)| {
            let value = HeaderValue::from_bytes(value).unwrap();
            (name.parse::<hyper::header::HeaderName>().unwrap(), value)
        });
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value);
        }
        identity.reader(&map, NOW).await.map(|reader| reader.member)
    };
    assert_eq!(read(&[("x-member-id", b"M-100")]).await, Ok("M-100".to_owned()));
    assert_eq!(read(&[]).await, Err(Rejected::Missing));
    let two: &[(&str, &[u8])] = &[("x-member-id", b"M-100"), ("x-member-id", b"M-100")];
    assert!(matches!(read(two).await, Err(Rejected::Malformed(_))));
    for alike in ["x_member_id", "x.member.id", "x-member_id"] {
        let with: &[(&str, &[u8])] = &[("x-member-id", b"M-100"), (alike, b"M-102")];
        assert!(matches!(read(with).await, Err(Rejected::Malformed(_))), "{alike}");
    }
    let with_token: &[(&str, &[u8])] = &[("x-member-id", b"M-100"), ("authorization", b"Bearer x")];
    assert!(matches!(read(with_token).await, Err(Rejected::Malformed(_))));
    for value in [&b""[..], b" M-100", b"M-100 ", b"\x85M-100\xa0", b"M-100,M-102", b"M/1"] {
        let outcome = read(&[("x-member-id", value)]).await;
        assert!(matches!(outcome, Err(Rejected::Invalid(_))), "{value:?}");
    }
    assert!(HeaderIdentity::new("Authorization").is_err());
}

/// An issuer's key server: answers with what stands in `answer` and counts who asks.
struct Issuer {
    url: Url,
    answer: Arc<std::sync::Mutex<Option<String>>>,
    asked: Arc<AtomicUsize>,
}

async fn issuer(jwks: &[Value]) -> Issuer {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let origin = Origin { tls: false, host: "127.0.0.1".to_owned(), port };
    let url = Url { origin, target: "/jwks".to_owned() };
    let answer = Arc::new(std::sync::Mutex::new(Some(json!({ "keys": jwks }).to_string())));
    let asked = Arc::new(AtomicUsize::new(0));
    let issuer = Issuer { url, answer: Arc::clone(&answer), asked: Arc::clone(&asked) };
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            asked.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 1024];
            let read = socket.read(&mut head).await.unwrap();
            assert!(head[..read].starts_with(b"GET /jwks HTTP/1.1\r\n"));
            let answer = answer.lock().unwrap().clone();
            let text = match answer {
                Some(body) => {
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
                }
                None => "HTTP/1.1 503 Gone\r\ncontent-length: 0\r\n\r\n".to_owned(),
            };
            socket.write_all(text.as_bytes()).await.unwrap();
        }
    });
    issuer
}

impl Issuer {
    fn identity(&self, ages: jwks::Ages) -> Identity {
        let Identity::Jwt(mut jwt) = identity_from(Keys::Url(self.url.clone())) else { panic!() };
        jwt.keys_mut().ages = ages;
        Identity::Jwt(jwt)
    }

    fn answers(&self, jwks: Option<&[Value]>) {
        *self.answer.lock().unwrap() = jwks.map(|jwks| json!({ "keys": jwks }).to_string());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

const AGES: jwks::Ages = jwks::Ages {
    fresh: Duration::from_mins(10),
    max: Duration::from_hours(1),
    cooldown: Duration::from_secs(30),
};

#[tokio::test]
async fn bypass_i7_unknown_keys_are_asked_for_once_in_a_while() {
    let signer = es256("a");
    let issuer = issuer(&[signer.jwk()]).await;
    let identity = issuer.identity(AGES);
    assert!(!identity.is_ready());
    identity.prepare().await;
    assert!(identity.is_ready());
    assert!(read(&identity, &signer.token(&claims())).await.is_ok());
    for _ in 0..50 {
        assert!(read(&identity, &es256("b").token(&claims())).await.is_err());
    }
    assert_eq!(issuer.asked(), 1, "a flood of unknown keys asks nobody");
}

#[tokio::test]
async fn bypass_i7_a_new_key_is_found_and_a_withdrawn_one_is_not() {
    let (old, new) = (es256("old"), es256("new"));
    let issuer = issuer(&[old.jwk()]).await;
    let identity = issuer.identity(jwks::Ages { cooldown: Duration::ZERO, ..AGES });
    assert!(read(&identity, &old.token(&claims())).await.is_ok());
    issuer.answers(Some(&[new.jwk()]));
    assert!(read(&identity, &new.token(&claims())).await.is_ok());
    assert!(read(&identity, &old.token(&claims())).await.is_err());
}

#[tokio::test]
async fn bypass_i7_an_outage_is_bridged_and_not_for_ever() {
    let signer = es256("a");
    let issuer = issuer(&[signer.jwk()]).await;
    let short = Duration::from_millis(300);
    let identity =
        issuer.identity(jwks::Ages { fresh: Duration::ZERO, max: short, cooldown: Duration::ZERO });
    assert!(read(&identity, &signer.token(&claims())).await.is_ok());
    issuer.answers(None);
    assert!(read(&identity, &signer.token(&claims())).await.is_ok());
    assert_eq!(identity.refused().len(), 1);
    issuer.answers(Some(&[]));
    assert!(read(&identity, &signer.token(&claims())).await.is_ok(), "an empty set is an outage");
    tokio::time::sleep(short).await;
    assert!(read(&identity, &signer.token(&claims())).await.is_err());
    assert!(!identity.is_ready());
    issuer.answers(Some(&[signer.jwk()]));
    assert!(read(&identity, &signer.token(&claims())).await.is_ok());
}

#[tokio::test]
async fn a_token_that_was_seen_before_still_has_to_hold() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jwks.json");
    let (old, new) = (es256("a"), es256("a"));
    keys_in(&file, &[old.jwk()]);
    let identity = identity_from(Keys::File(file.clone()));
    let token = old.token(&claims());
    let at = async |now_s: u64| identity.reader(&bearer(&token), now_s).await;
    for _ in 0..3 {
        assert_eq!(at(NOW).await.unwrap().member, "M-100");
    }
    assert_eq!(at(NOW - 31).await.unwrap_err(), Rejected::Invalid("not yet valid"));
    assert_eq!(at(NOW + 330).await.unwrap_err(), Rejected::Invalid("expired"));
    assert!(at(NOW + 329).await.is_ok());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let other = format!("{message}.{}", signature.chars().rev().collect::<String>());
    assert!(read(&identity, &other).await.is_err(), "another signature");
    // Another key of the same name.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    keys_in(&file, &[new.jwk()]);
    assert!(at(NOW).await.is_err());
    assert!(at(NOW).await.is_err());
    assert!(read(&identity, &new.token(&claims())).await.is_ok());
}
