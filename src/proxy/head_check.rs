//! The grammar of an HTTP/1.1 request head, read before hyper reads it.
//!
//! hyper takes what others read differently: line ends without a carriage return, a length
//! beside a transfer coding, two lengths, no host or two, absolute targets. Each is a way to
//! make two readers of one connection see two requests, so each is refused here.

/// Longest head, bytes.
pub(super) const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Most header fields.
pub(super) const FIELDS_MAX: usize = 64;

/// Longest request target, bytes.
pub(super) const TARGET_BYTES_MAX: usize = 8 * 1024;

/// How the body after a head is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// No body.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
}

/// What is wrong with a head; words of ours.
pub(super) type Malformed = &'static str;

/// Checks a head, its empty line included.
pub(super) fn check(head: &[u8]) -> Result<Framing, Malformed> {
    let mut lines = Lines { rest: head };
    let version = request_line(lines.next_line()?)?;
    let mut fields = Fields { version, ..Fields::default() };
    loop {
        let line = lines.next_line()?;
        if line.is_empty() {
            break;
        }
        fields.add(line)?;
    }
    if !lines.rest.is_empty() {
        return Err("bytes after the head");
    }
    fields.framing()
}

/// Lines that end in CRLF and in nothing else.
struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next_line(&mut self) -> Result<&'a [u8], Malformed> {
        let end = memchr::memchr2(b'\r', b'\n', self.rest);
        let (line, after) = end.and_then(|end| self.rest.split_at_checked(end)).ok_or("no end")?;
        self.rest = after.strip_prefix(b"\r\n").ok_or("a line that does not end in CRLF")?;
        Ok(line)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Version {
    Http10,
    #[default]
    Http11,
}

fn request_line(line: &[u8]) -> Result<Version, Malformed> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("a request line that is not method, target, version");
    };
    if method.is_empty() || method.len() > 32 || !method.iter().copied().all(is_token) {
        return Err("a method that is no token");
    }
    if method == super::head_reader::STAND_IN_METHOD.as_bytes() {
        return Err("a method that is no token");
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err("a target over its limit");
    }
    if !target.starts_with(b"/") {
        return Err("a target that is not a path");
    }
    if !target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#') {
        return Err("a target with bytes that stand in no path");
    }
    match version {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        _ => Err("a version that is not spoken here"),
    }
}

/// What the fields of one head say of its framing.
#[derive(Default)]
struct Fields {
    version: Version,
    count: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
}

impl Fields {
    fn add(&mut self, line: &[u8]) -> Result<(), Malformed> {
        self.count = self.count.saturating_add(1);
        if self.count > FIELDS_MAX {
            return Err("too many header fields");
        }
        let colon = line.iter().position(|byte| *byte == b':').ok_or("a field without a colon")?;
        let (name, value) = line.split_at_checked(colon).ok_or("a field without a colon")?;
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err("a field name that is no token");
        }
        if has_control(value) {
            return Err("a control character in a field");
        }
        if name.eq_ignore_ascii_case(b"host") {
            self.hosts = self.hosts.saturating_add(1);
            if self.hosts > 1 || !is_authority(value) {
                return Err("a Host that is not one name");
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = plain_number(value).ok_or("a Content-Length that is no plain number")?;
            if self.length.replace(length).is_some() {
                return Err("two Content-Length fields");
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                return Err("a Transfer-Encoding that is not `chunked` once");
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case(b"upgrade")
            || name.eq_ignore_ascii_case(b"http2-settings")
        {
            return Err("a wish to upgrade");
        }
        Ok(())
    }

    fn framing(&self) -> Result<Framing, Malformed> {
        if self.hosts == 0 {
            return Err("no Host");
        }
        match (self.chunked, self.length) {
            (true, Some(_)) => Err("both Content-Length and Transfer-Encoding"),
            (true, None) if self.version == Version::Http10 => Err("Transfer-Encoding in HTTP/1.0"),
            (true, None) => Ok(Framing::Chunked),
            (false, None | Some(0)) => Ok(Framing::None),
            (false, Some(length)) => Ok(Framing::Length(length)),
        }
    }
}

/// `host` or `host:port`, nothing else: no user, no path, no blanks.
pub(super) fn is_authority(value: &[u8]) -> bool {
    let (host, port) = if let Some(inside) = value.strip_prefix(b"[") {
        let Some(end) = inside.iter().position(|byte| *byte == b']') else {
            return false;
        };
        let (address, after) = inside.split_at_checked(end).unwrap_or_default();
        if address.is_empty() || !address.iter().all(|b| b.is_ascii_hexdigit() || *b == b':') {
            return false;
        }
        (&b"ipv6"[..], after.get(1..).unwrap_or_default())
    } else {
        let end = value.iter().position(|byte| *byte == b':').unwrap_or(value.len());
        value.split_at_checked(end).unwrap_or_default()
    };
    let host_is_plain = !host.is_empty()
        && host.len() <= 255
        && host.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let port_is_plain = match port.strip_prefix(b":") {
        None => port.is_empty(),
        Some(digits) => plain_number(digits).is_some_and(|port| (1..=65535).contains(&port)),
    };
    host_is_plain && port_is_plain
}

/// Digits only, no sign, no leading zero.
fn plain_number(value: &[u8]) -> Option<u64> {
    let plain = value == b"0"
        || (!value.starts_with(b"0") && !value.is_empty() && value.iter().all(u8::is_ascii_digit));
    if !plain || value.len() > 18 {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Whether a control character other than a tab stands in a value. All of it is looked at, so that
/// the compiler can take many bytes at once: a token is a kilobyte.
fn has_control(value: &[u8]) -> bool {
    let is_control = |byte: u8| byte.is_ascii_control() && byte != b'\t';
    value.iter().fold(false, |any, byte| any | is_control(*byte))
}

/// RFC 9110, 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
}
