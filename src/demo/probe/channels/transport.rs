//! Channels beside bodies, and requests that are read in two ways.

use super::super::super::world::World;
use super::super::Channel;
use super::super::ask::Ask;
use super::super::questions::Question::{HeadAsGet, Never, Silent, Uncached, Without};
use super::{CLAIMS, EOB, EVERYTHING, channel, gets, hidden};

/// C14, C16, C19, T43, T44, X1 to X4: what goes beside a body.
pub(super) fn heads() -> Vec<Channel> {
    let all =
        || gets([EOB, EVERYTHING, CLAIMS, "/fhir/Condition/absent-0000", "/fhir/Patient/p-102"]);
    let conditional = |name, value| all().into_iter().map(move |ask| ask.with(name, value));
    vec![
        channel(
            "C14 T43 X1 X2 X3",
            "no field of the upstream's comes through",
            Without(
                all(),
                &[
                    "etag",
                    "last-modified",
                    "set-cookie",
                    "content-location",
                    "location",
                    "trailer",
                    "x-total-count",
                    "server-timing",
                    "warning",
                    "digest",
                ],
            ),
        ),
        channel("C19 T7 X7", "no cache keeps an answer", Uncached(all())),
        channel(
            "C1 C2 C3 T44",
            "conditions and ranges are not heeded",
            Never(
                conditional("if-none-match", "*")
                    .chain(conditional("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT"))
                    .chain(conditional("range", "bytes=0-99"))
                    .chain(conditional("if-match", "\"0\""))
                    .collect(),
                &[206, 304, 412, 416],
            ),
        ),
        channel("C6 C16", "HEAD says what GET says", HeadAsGet(all())),
        channel(
            "E1 C10 X11",
            "nothing is coded past the judge",
            Without(
                all()
                    .into_iter()
                    .map(|ask| ask.with("accept-encoding", "gzip, br, zstd, *;q=0.1"))
                    .collect(),
                &["content-encoding"],
            ),
        ),
    ]
}

/// P1, P4, P5, P10, I18: requests that are read in two ways.
pub(super) fn odd_requests(world: &World) -> Vec<Channel> {
    let hidden = hidden(world, "Condition").unwrap_or_default();
    let id = hidden.rsplit('/').next().unwrap_or_default();
    let paths = [
        format!("/fhir/Patient/../Condition/{id}"),
        format!("/fhir/%2e%2e/fhir/Condition/{id}"),
        format!("/fhir//Condition/{id}"),
        format!("/fhir/Condition/{id}/"),
        format!("/fhir/Condition%2F{id}"),
        format!("/fhir/Condition;v=1/{id}"),
        format!("/FHIR/condition/{id}"),
        format!("/fhir/Condition/{id}%00"),
        format!("/fhir/Condition/{id}?_format=json&_format=xml"),
    ];
    let tricks = [
        ("x-http-method-override", "GET"),
        ("x-original-url", "/fhir/Condition?patient=p-102"),
        ("x-rewrite-url", "/fhir/Condition?patient=p-102"),
        ("x-member-id", "M-102"),
        ("x-forwarded-for", "127.0.0.1"),
        ("prefer", "handling=lenient"),
    ];
    let methods = ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    vec![
        channel("P1 P2", "a path has one reading", Silent(gets(paths))),
        channel(
            "P4 P5 P6 P7 P12",
            "no field of the reader's changes what is asked",
            Silent(
                tricks
                    .into_iter()
                    .map(|(name, value)| {
                        Ask::get("/fhir/Condition?patient=p-102").with(name, value)
                    })
                    .collect(),
            ),
        ),
        channel(
            "P10 F21 T26",
            "other methods give nothing",
            Silent(methods.into_iter().map(|method| Ask::get(&hidden).by(method)).collect()),
        ),
        channel(
            "I18 F5",
            "what stands in the query is no permission",
            Silent(gets([
                "/fhir/Condition?patient=p-102&access_token=x".to_owned(),
                "/fhir/Condition?patient=p-102&_as=M-102".to_owned(),
                format!("{hidden}?patient=p-102"),
            ])),
        ),
    ]
}
