//! Case files as users write them (DESIGN 4.7): one reader, one request, one body, and what must
//! come of it.

use crate::engine::diagnostics::At;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One file of `policies/cases/`. Paths are relative to it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Case {
    /// What it shows, in a sentence.
    pub case: At<String>,
    /// The day of the request, e.g. `2026-11-21`.
    pub day: At<String>,
    /// Who is who: a members file.
    pub members: At<String>,
    /// Authorizations and representations; none if left out.
    pub grants: Option<At<String>>,
    /// Requests for confidential communication; none if left out.
    pub restrictions: Option<At<String>>,
    /// The member id of the reader.
    pub reader: At<String>,
    /// Method and target, e.g. `GET /api/v1/family/C-1/claims`.
    pub request: At<String>,
    /// What the upstream answers: a file with a body.
    pub body: At<String>,
    /// What may be looked up: files with bodies by path, e.g. `/fhir/Encounter/e1`. Nothing is
    /// looked up if left out; what is not named is not there.
    pub look_ups: Option<BTreeMap<String, At<String>>>,
    /// The upstream's Content-Type; that of the route if left out.
    pub content_type: Option<At<String>>,
    /// The upstream's status; 200 if left out.
    pub status: Option<u16>,
    /// What must come of it.
    pub expect: At<Expected>,
}

/// What must come of a case. Each list is exact: what is not named must not be there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expected {
    /// Ids of the records that leave.
    #[serde(default)]
    pub released: Vec<At<String>>,
    /// Ids of the records that do not; need not be named where `status` is not 200.
    #[serde(default)]
    pub withheld: Vec<At<String>>,
    /// Places cut from records that leave: an id, a space and a path, e.g. `CLM-4 $.memo`; `[*]`
    /// stands for every index.
    #[serde(default)]
    pub cut: Vec<At<String>>,
    /// The status the reader gets; 200 if left out.
    pub status: Option<u16>,
}
