//! What the upstream answers: bodies made before anybody asks. What a proxy looks up for its own
//! sake is answered too, and counted apart.

use super::bodies::{entry, envelope, explanation_of_benefit};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::atomic::AtomicU64;

/// Patients, where there are several.
pub(crate) const PATIENTS: usize = 10;

/// Records of a piece of an export.
const PIECE_RECORDS: usize = 1_000;

/// Paths of exports, and of a longer body for readers who dawdle.
pub(crate) const PIECE: &str = "/fhir/export/piece.ndjson";
pub(crate) const EXPORT: &str = "/fhir/export/all.ndjson";
pub(crate) const LONGER: &str = "/fhir/Patient/p-9/$everything";

/// All that is answered at one address.
#[derive(Debug, Default)]
pub(crate) struct Site {
    /// Bodies by path.
    pub(crate) bodies: BTreeMap<String, Body>,
    /// Requests for one of them.
    pub(crate) asked: AtomicU64,
    /// All others: what a proxy looks up.
    pub(crate) looked_up: AtomicU64,
}

/// A body and what comes before it, as sent.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    /// How often it is sent in one answer.
    pub(crate) times: usize,
    pub(crate) head: Vec<u8>,
}

impl Body {
    fn new(content_type: &str, body: String, times: usize) -> Body {
        let head = head(content_type, body.len().saturating_mul(times));
        Body { bytes: body.into_bytes(), times, head }
    }

    /// Bytes of the whole answer.
    pub(crate) fn length(&self) -> usize {
        self.bytes.len().saturating_mul(self.times)
    }

    fn bundle(patient: usize, records: usize) -> (String, Body) {
        let bundle = everything(patient, patient..patient.saturating_add(records));
        let path = format!("/fhir/Patient/p-{patient}/$everything");
        (path, Body::new("application/fhir+json", bundle, 1))
    }
}

impl Site {
    /// Everything there is about each patient, so many records a body. With one record a body
    /// each of ten patients has another; with more there is one patient.
    pub(crate) fn everything(records: usize) -> Site {
        let patients = if records == 1 { PATIENTS } else { 1 };
        let bodies = (0..patients).map(|patient| Body::bundle(patient, records));
        Site { bodies: bodies.collect(), ..Site::default() }
    }

    /// The same in short bodies, with a longer one for the last patient; and exports: a piece,
    /// and one that is as many such pieces as make so many bytes.
    pub(crate) fn exports(bytes: usize) -> Site {
        let mut site = Site::everything(1);
        site.bodies.extend([Body::bundle(PATIENTS.saturating_sub(1), 48)]);
        let lines = lines(0, 0..PIECE_RECORDS);
        let pieces = bytes.div_ceil(lines.len());
        for (path, times) in [(PIECE, 1), (EXPORT, pieces)] {
            let body = Body::new("application/fhir+ndjson", lines.clone(), times);
            site.bodies.insert(path.to_owned(), body);
        }
        site
    }
}

/// A patient and their bills.
fn everything(patient: usize, numbers: Range<usize>) -> String {
    let mut out = envelope(numbers.len().saturating_add(1));
    write!(
        out,
        r#"{{"fullUrl":"https://members.example/fhir/Patient/p-{patient}","resource":{{"resourceType":"Patient","id":"p-{patient}","active":true,"name":[{{"family":"Example","given":["Dana"]}}],"gender":"female","birthDate":"2001-02-03"}},"search":{{"mode":"match"}}}}"#,
    )
    .ok();
    for number in numbers {
        out.push(',');
        entry(&mut out, patient, number);
    }
    out.push_str("]}");
    out
}

/// Bills as lines of NDJSON.
fn lines(patient: usize, numbers: Range<usize>) -> String {
    let mut out = String::new();
    for number in numbers {
        out.push('{');
        explanation_of_benefit(&mut out, patient, number);
        out.push_str("}\n");
    }
    out
}

/// The head of an answer.
pub(crate) fn head(content_type: &str, length: usize) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n")
        .into_bytes()
}
