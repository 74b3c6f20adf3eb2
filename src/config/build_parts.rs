//! As written → as meant, one method per part of the file.

use super::build::Builder;
use super::meant::{
    Address, Audit, Authorization, Cursors, Identity, Jwt, Keys, Listen, Timeout, Tls, Upstream,
};
use super::written;
use crate::engine::diagnostics::At;
use std::time::Duration;

/// Headers that a portal cannot use for identity: they mean something to HTTP itself.
const TAKEN_HEADERS: [&str; 14] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Builder<'_> {
    pub(super) fn listen(&mut self, written: &written::Listen) -> Option<Listen> {
        let address = match written.address.value.strip_prefix("unix:") {
            Some("") => {
                self.error(written.address.span, "the path of the socket is missing")
                    .help("write it like `unix:/run/sequester/portal.sock`");
                None
            }
            Some(path) => {
                let path = At { value: path.to_owned(), span: written.address.span };
                Some(Address::Unix(self.path(&path)))
            }
            None => self.socket_address(&written.address).map(Address::Tcp),
        };
        let tls = written.tls.as_ref().map(|tls| Tls {
            certificate: self.path(&tls.certificate),
            key: self.path(&tls.key),
            client_authorities: tls.client_authorities.as_ref().map(|file| self.path(file)),
        });
        Some(Listen { address: address?, tls })
    }

    pub(super) fn upstream(&mut self, written: &written::Upstream) -> Option<Upstream> {
        let origin = self.origin(&written.url);
        if let (Some(origin), Some(authorities)) = (&origin, &written.authorities)
            && !origin.tls
        {
            self.error(authorities.span, "`authorities` are of no use with an `http` upstream")
                .help("write `https` in `url`, or remove them");
        }
        let authorization = match &written.authorization {
            None => Authorization::Nothing,
            Some(At { value: written::Authorization::Reader(_), .. }) => Authorization::Reader,
            Some(At { value: written::Authorization::Ours(ours), span }) => {
                let files = (&ours.token_file, &ours.client_certificate, &ours.key);
                match files {
                    (Some(token), None, None) => Authorization::Token(self.path(token)),
                    (None, Some(certificate), Some(key)) => {
                        if let Some(origin) = &origin
                            && !origin.tls
                        {
                            let message = "a client certificate cannot be shown over `http`";
                            self.error(certificate.span, message).help("write `https` in `url`");
                        }
                        Authorization::Certificate {
                            certificate: self.path(certificate),
                            key: self.path(key),
                        }
                    }
                    _ => {
                        self.error(*span, "`authorization` is none of its three forms").help(
                            "write `reader`, or `token-file`, or `client-certificate` with `key`",
                        );
                        Authorization::Nothing
                    }
                }
            }
        };
        let look_ups_token =
            written.look_ups.as_ref().map(|look_ups| self.path(&look_ups.token_file));
        let timeout = self.timeout(&written.timeout);
        let authorities = written.authorities.as_ref().map(|file| self.path(file));
        Some(Upstream { origin: origin?, authorities, authorization, look_ups_token, timeout })
    }

    fn timeout(&mut self, written: &written::Timeout) -> Timeout {
        let connect = self.duration(written.connect.as_ref(), Duration::from_secs(2));
        let first_byte = self.duration(written.first_byte.as_ref(), Duration::from_secs(30));
        let idle = self.duration(written.idle.as_ref(), Duration::from_secs(15));
        let total = self.duration(written.total.as_ref(), Duration::from_mins(1));
        for (name, part, value) in [
            ("connect", &written.connect, connect),
            ("first-byte", &written.first_byte, first_byte),
            ("idle", &written.idle, idle),
        ] {
            // Told where it was written: a default that is over a short `total` does no harm.
            if let Some(part) = part
                && value > total
            {
                self.error(part.span, format!("`{name}` is longer than `total`"));
            }
        }
        Timeout { connect, first_byte, idle, total }
    }

    pub(super) fn identity(
        &mut self,
        written: &At<written::Identity>,
        listen: Option<&At<written::Listen>>,
    ) -> Option<Identity> {
        match (&written.value.jwt, &written.value.header) {
            (Some(jwt), None) => self.jwt(jwt).map(Identity::Jwt),
            (None, Some(header)) => {
                let authentic = listen.is_none_or(|listen| {
                    let tls = listen.value.tls.as_ref();
                    tls.is_some_and(|tls| tls.client_authorities.is_some())
                        || listen.value.address.value.starts_with("unix:")
                });
                if !authentic {
                    let message = "with a `header` as identity anybody could be anybody";
                    self.error(header.span, message).help(
                        "set `listen.tls.client-authorities`, or listen on `unix:` and a path",
                    );
                }
                self.header_name(&header.value.name).map(Identity::Header)
            }
            (Some(_), Some(_)) => {
                self.error(written.span, "`identity` is by `jwt` or by `header`, not by both");
                None
            }
            (None, None) => {
                self.error(written.span, "`identity` must say how").help("write `jwt` or `header`");
                None
            }
        }
    }

    fn header_name(&mut self, written: &At<String>) -> Option<String> {
        let name = written.value.to_ascii_lowercase();
        let token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(token) {
            let message = format!("`{}` is no name of a header", written.value);
            self.error(written.span, message).help("write letters, digits and `-`");
            return None;
        }
        if TAKEN_HEADERS.contains(&name.as_str()) {
            let message = format!("`{}` means something else in HTTP", written.value);
            self.error(written.span, message).help("use a name of your own, like `X-Member-Id`");
            return None;
        }
        Some(name)
    }

    fn jwt(&mut self, written: &written::Jwt) -> Option<Jwt> {
        let issuer = self.text(&written.issuer, "issuer");
        let audience = self.text(&written.audience, "audience");
        let keys = if written.keys.value.contains("://") {
            let url = self.url(&written.keys);
            if let Some(url) = &url
                && !url.origin.tls
                && !url.origin.is_loopback()
            {
                let message = "keys that come over `http` can be replaced on their way";
                self.error(written.keys.span, message).help("use `https`, or a file");
            }
            url.map(Keys::Url)
        } else {
            Some(Keys::File(self.path(&written.keys)))
        };
        let member_claim = match &written.member_claim {
            Some(claim) => self.text(claim, "member-claim"),
            None => "sub".to_owned(),
        };
        let client_claim =
            written.client_claim.as_ref().map(|claim| self.text(claim, "client-claim"));
        Some(Jwt { issuer, audience, keys: keys?, member_claim, client_claim })
    }

    pub(super) fn cursors(&mut self, written: &written::Cursors) -> Cursors {
        let keys = written.keys.as_ref().map(|file| self.path(file));
        let hour = Duration::from_hours(1);
        let expire = match &written.expire {
            None => hour,
            Some(expire) => self.window(expire).unwrap_or(hour),
        };
        Cursors { keys, expire }
    }

    pub(super) fn audit(&mut self, written: &written::Audit) -> Audit {
        let day = Duration::from_hours(24);
        Audit {
            file: self.path(&written.file),
            durability: written.durability.unwrap_or_default(),
            key: written.key.as_ref().map(|file| self.path(file)),
            segment_bytes: self.size(written.segment.as_ref(), 256 << 20, 64 << 10..=16 << 30),
            segment_age: written.rotate.as_ref().and_then(|age| self.window(age)).unwrap_or(day),
        }
    }
}
