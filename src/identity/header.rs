//! A reader named by a header of an authenticated portal.

use super::{Rejected, is_member_id};
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName};

/// Takes the reader from one header. Only for listeners that let in nobody but the portal:
/// client certificates, or a Unix socket.
#[derive(Debug)]
pub struct HeaderIdentity {
    name: HeaderName,
}

impl HeaderIdentity {
    /// By the header of this name; the error is words for an operator.
    pub(super) fn new(name: &str) -> Result<HeaderIdentity, String> {
        let header: HeaderName =
            name.parse().map_err(|_| format!("`{name}` is not the name of a header"))?;
        if header == AUTHORIZATION || header == hyper::header::HOST {
            return Err(format!("`{name}` has a meaning of its own"));
        }
        Ok(HeaderIdentity { name: header })
    }

    /// The member the header names: one field, one value, of the strict grammar as it stands.
    pub(super) fn member(&self, headers: &HeaderMap) -> Result<String, Rejected> {
        if headers.contains_key(AUTHORIZATION) {
            return Err(Rejected::Malformed("both a token and an identity header"));
        }
        // `X_Member_Id` and `X.Member.Id` are the same header to some servers behind us.
        let alike = |name: &HeaderName| {
            name.as_str().len() == self.name.as_str().len()
                && name
                    .as_str()
                    .bytes()
                    .zip(self.name.as_str().bytes())
                    .all(|(a, b)| a == b || (b == b'-' && !a.is_ascii_alphanumeric()))
        };
        if headers.keys().any(|name| *name != self.name && alike(name)) {
            return Err(Rejected::Malformed("a header that looks like the identity header"));
        }
        let mut fields = headers.get_all(&self.name).iter();
        let field = fields.next().ok_or(Rejected::Missing)?;
        if fields.next().is_some() {
            return Err(Rejected::Malformed("two identity headers"));
        }
        match field.to_str() {
            Ok(member) if is_member_id(member) => Ok(member.to_owned()),
            _ => Err(Rejected::Invalid("an identity header that is no member id")),
        }
    }
}
