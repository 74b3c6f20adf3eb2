//! The catalogue of ways around a redacting proxy, a test for each: `catalogue.csv` lists them by
//! id, and every id has a test named by it here (or in `src`), through the whole proxy over real
//! sockets where that is possible, or a line in `not-applicable.md`.

#![expect(non_snake_case, reason = "tests are named by the ids of the catalogue")]
#![expect(
    clippy::string_slice,
    clippy::format_push_string,
    clippy::print_stderr,
    reason = "all text is of these tests, and in ASCII; a failure tells its number"
)]

mod answers;
mod catalogue;
mod codings;
mod fhir;
mod formats;
mod http2;
mod identity;
mod json;
mod limits;
mod operations;
mod requests;
mod side_channels;
mod sockets;
mod ways;

pub(crate) use crate::proxy::client::{Answer, ask, exchange, parse, request};
pub(crate) use crate::proxy::deployment::{DAUGHTER, Deployment, Files, MOTHER, shipped, yaml};
pub(crate) use crate::proxy::upstream::{Step, Upstream, good, headed};

pub(crate) const CLAIMS: &str = "/api/v1/family/C-1/claims";

/// What no reader may see of the worlds of these tests.
pub(crate) const SECRET: &str = "Zx81secretQy";

const BAD_GATEWAY: &str = r#"{"detail":"bad gateway","status":502,"title":"Bad Gateway"}"#;
const FHIR_BAD_GATEWAY: &str = r#"{"issue":[{"code":"exception","diagnostics":"bad gateway","severity":"error"}],"resourceType":"OperationOutcome"}"#;

/// A proxy in front of an upstream.
pub(crate) struct Stand {
    pub(crate) upstream: Upstream,
    pub(crate) proxy: Deployment,
}

impl Stand {
    /// In front of a house API that answers everything by this script.
    pub(crate) async fn house(script: Vec<Step>) -> Stand {
        Stand::house_with(script, "").await
    }

    /// The same, with more in its configuration.
    pub(crate) async fn house_with(script: Vec<Step>, more: &str) -> Stand {
        let upstream = Upstream::scripted(script).await;
        let proxy = Files::new().start(&yaml(&upstream.url(), more)).await;
        Stand { upstream, proxy }
    }

    /// In front of a FHIR server that answers everything with this body.
    pub(crate) async fn fhir(body: &str) -> Stand {
        Stand::fhir_by(good("application/fhir+json", body)).await
    }

    /// In front of a FHIR server that answers everything by this script.
    pub(crate) async fn fhir_by(script: Vec<Step>) -> Stand {
        let upstream = Upstream::scripted(script).await;
        let proxy = Deployment::with_all_policies_before(&upstream.url()).await;
        Stand { upstream, proxy }
    }

    pub(crate) async fn get(&self, member: &str, path: &str) -> Answer {
        self.proxy.get(member, path).await
    }

    /// A request as a member, with more header fields.
    pub(crate) async fn ask(&self, member: &str, line: &str, fields: &[&str]) -> Answer {
        let token = self.proxy.files.token(member);
        let fields: Vec<&str> = fields.iter().copied().chain([token.as_str()]).collect();
        ask(self.proxy.address, line, &fields).await
    }

    /// What comes back for these bytes.
    pub(crate) async fn send(&self, sent: impl AsRef<[u8]>) -> Vec<u8> {
        exchange(self.proxy.address, sent.as_ref()).await
    }

    /// Requests the upstream got.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.upstream.requests()
    }

    /// The daughter, whose own all of it would be, gets the fixed 502, and it is recorded.
    pub(crate) async fn refuses(&self) {
        let before = self.proxy.files.audit().len();
        let answer = self.get(DAUGHTER, CLAIMS).await;
        assert_eq!((answer.status, answer.body.as_str()), (502, BAD_GATEWAY));
        assert!(answer.whole);
        let audit = self.proxy.files.audit();
        assert_eq!(audit.len(), before + 1);
        let line = audit.last().unwrap();
        assert_eq!((&line["event"], &line["status"]), (&"refuse".into(), &502.into()));
        assert!(!line.to_string().contains(SECRET), "{line}");
    }
}

/// Each of these scripts of an upstream is answered with the fixed 502.
pub(crate) async fn all_refused(scripts: Vec<Vec<Step>>) {
    let answers = std::sync::Mutex::new(scripts.into_iter());
    let count = answers.lock().unwrap().len();
    let upstream = Upstream::answering(move |_| answers.lock().unwrap().next().unwrap()).await;
    let proxy = Deployment::before(&upstream.url()).await;
    let stand = Stand { upstream, proxy };
    for number in 0..count {
        eprintln!("script {number}");
        stand.refuses().await;
    }
    assert_eq!(stand.asked().len(), count);
}

/// The head of a JSON answer, with more lines.
pub(crate) fn head(more: &str) -> String {
    format!("HTTP/1.1 200 OK\nContent-Type: application/json{more}")
}

/// A JSON answer with more header lines, and its length.
pub(crate) fn with_fields(more: &str, body: &[u8]) -> Vec<Step> {
    headed(&head(&format!("{more}\nContent-Length: {}", body.len())), body)
}

/// A house body of these claims.
pub(crate) fn claims(claims: &[String]) -> String {
    format!("{{\"asOf\":\"2026-11-21\",\"claims\":[{}]}}", claims.join(","))
}

/// A claim with a diagnosis, and more members.
pub(crate) fn claim(id: &str, member: &str, code: &str, more: &str) -> String {
    format!(
        "{{\"claimId\":\"{id}\",\"memberId\":\"{member}\",\"serviceDate\":\"2026-01-01\",\
         \"diagnoses\":[{{\"code\":\"{code}\"}}]{more}}}"
    )
}

/// A claim of a child, of nothing sensitive: the mother sees it.
pub(crate) fn harmless() -> String {
    claim("CLM-OPEN", "M-104", "J06.9", "")
}

/// A therapy claim of the grown daughter: nobody but she sees it.
pub(crate) fn hidden() -> String {
    claim(&format!("CLM-{SECRET}"), "M-102", "F33.1", "")
}

/// A FHIR search set of these resources.
pub(crate) fn bundle(resources: &[String]) -> String {
    let entries: Vec<String> =
        resources.iter().map(|one| format!("{{\"resource\":{one}}}")).collect();
    format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"entry\":[{}]}}",
        entries.join(",")
    )
}

/// A Condition of a patient.
pub(crate) fn condition(id: &str, patient: &str, code: &str, more: &str) -> String {
    format!(
        "{{\"resourceType\":\"Condition\",\"id\":\"{id}\",\"subject\":{{\"reference\":\
         \"Patient/{patient}\"}},\"code\":{{\"coding\":[{{\"system\":\
         \"http://hl7.org/fhir/sid/icd-10-cm\",\"code\":\"{code}\"}}]}}{more}}}"
    )
}

/// A resource about a patient, with more members.
pub(crate) fn about(kind: &str, id: &str, patient: &str, more: &str) -> String {
    format!(
        "{{\"resourceType\":\"{kind}\",\"id\":\"{id}\",\"subject\":{{\"reference\":\
         \"Patient/{patient}\"}}{more}}}"
    )
}

/// The empty search set.
pub(crate) const NOTHING: &str = r#"{"resourceType":"Bundle","type":"searchset"}"#;
