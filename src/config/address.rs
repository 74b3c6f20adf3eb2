//! Addresses, read strictly: what two readers could read in two ways is refused.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// Longest URL, bytes: ours are written by hand.
const URL_BYTES_MAX: usize = 2_048;

/// Where we listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// On an IP address and port.
    Tcp(SocketAddr),
    /// On a Unix socket.
    Unix(PathBuf),
}

/// Scheme, host and port of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whether the scheme is `https`.
    pub tls: bool,
    /// A DNS name in lower case, or an IP address without brackets.
    pub host: String,
    /// Written out, or the scheme's own.
    pub port: u16,
}

impl Origin {
    /// Reads scheme, host and port, or says what is wrong with them.
    pub fn read(text: &str) -> Result<Origin, &'static str> {
        origin(text)
    }

    /// Whether it can only be this machine.
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Host and port as in a `Host` header: the scheme's own port is left out.
    pub fn authority(&self) -> String {
        let bracketed = self.host.parse::<Ipv6Addr>().is_ok();
        let host = if bracketed { format!("[{}]", self.host) } else { self.host.clone() };
        let own = if self.tls { 443 } else { 80 };
        if self.port == own { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Origin {
    /// Without a trailing slash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

/// A URL: its origin, and path with query as written (`/` if there is none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Scheme, host, port.
    pub origin: Origin,
    /// Begins with `/`.
    pub target: String,
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.target)
    }
}

/// Reads a URL, or says what is wrong with it.
pub(super) fn url(text: &str) -> Result<Url, &'static str> {
    if text.len() > URL_BYTES_MAX {
        return Err("it is longer than 2048 bytes");
    }
    let forbidden = |letter: char| !letter.is_ascii_graphic() || "\"<>\\^`{|}".contains(letter);
    if text.contains(forbidden) {
        return Err("it holds a character that must be percent-encoded");
    }
    if text.contains('#') {
        return Err("a fragment (`#…`) is never sent");
    }
    let (tls, rest) = if let Some(rest) = text.strip_prefix("https://") {
        (true, rest)
    } else if let Some(rest) = text.strip_prefix("http://") {
        (false, rest)
    } else {
        return Err("it must begin with `https://` or `http://`");
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("secrets come from files, not from a URL");
    }
    let (host, port) = host_and_port(authority)?;
    let target = match target {
        "" => "/".to_owned(),
        _ if target.starts_with('?') => format!("/{target}"),
        _ => target.to_owned(),
    };
    let port = port.unwrap_or(if tls { 443 } else { 80 });
    Ok(Url { origin: Origin { tls, host, port }, target })
}

/// Reads a URL that is only scheme, host and port.
pub(super) fn origin(text: &str) -> Result<Origin, &'static str> {
    let url = url(text)?;
    if url.target == "/" { Ok(url.origin) } else { Err("only scheme, host and port stand here") }
}

/// Where a Valkey or Redis is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreAddress {
    /// Whether the scheme is `rediss`.
    pub tls: bool,
    /// A DNS name in lower case, or an IP address without brackets.
    pub host: String,
    /// Written out, or 6379.
    pub port: u16,
    /// The number of the database.
    pub database: u16,
}

/// Reads the URL of a Valkey or Redis.
pub(super) fn store(text: &str) -> Result<StoreAddress, &'static str> {
    let (tls, rest) = match (text.strip_prefix("redis://"), text.strip_prefix("rediss://")) {
        (Some(rest), _) => (false, rest),
        (_, Some(rest)) => (true, rest),
        _ => return Err("it must begin with `redis://` or `rediss://`"),
    };
    let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err("secrets come from files, not from a URL");
    }
    let (host, port) = host_and_port(authority)?;
    let database = match database {
        "" => 0,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            number.parse().map_err(|_| "its database is no number")?
        }
        _ => return Err("its database is no number"),
    };
    Ok(StoreAddress { tls, host, port: port.unwrap_or(6379), database })
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), &'static str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']').ok_or("a `]` is missing")?;
            let host: Ipv6Addr = host.parse().map_err(|_| "its host is no IPv6 address")?;
            let port = match after {
                "" => None,
                _ => Some(after.strip_prefix(':').ok_or("its port cannot be read")?),
            };
            (host.to_string(), port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host_name(host)?, Some(port)),
            None => (host_name(authority)?, None),
        },
    };
    let port = port.map(port_number).transpose()?;
    Ok((host, port))
}

fn port_number(text: &str) -> Result<u16, &'static str> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let port = text.parse().ok().filter(|_| plain);
    port.ok_or("its port is no number from 1 to 65535")
}

/// A DNS name in lower case, or an IPv4 address. `127.1` and `0x7f000001` are neither.
fn host_name(text: &str) -> Result<String, &'static str> {
    const WRONG: &str = "its host is neither a name nor an address";
    if text.parse::<std::net::Ipv4Addr>().is_ok() {
        return Ok(text.to_owned());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let number = |label: &str| label.starts_with(|letter: char| letter.is_ascii_digit());
    let last = text.rsplit('.').next().unwrap_or_default();
    if text.len() > 253 || !text.split('.').all(label) || number(last) {
        return Err(WRONG);
    }
    Ok(text.to_ascii_lowercase())
}
