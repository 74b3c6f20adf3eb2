//! As written → as meant: values, and mistakes as they are met.

use super::address::{self, Origin, Url};
use super::meant::{Address, Authorization, Config, Identity, Judging, Limits};
use super::units::{self, HowToWrite, Rate};
use super::written;
use crate::engine::diagnostics::{At, Diagnostic, SourceFile, Span};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
/// Shortest and longest window of a rate (DESIGN section 7), and time for which a cursor holds.
const WINDOWS: RangeInclusive<Duration> = Duration::from_mins(1)..=Duration::from_hours(30 * 24);

/// Collects the mistakes of one file while its values are built.
pub(super) struct Builder<'a> {
    file: &'a SourceFile,
    folder: &'a Path,
    mistakes: Vec<Diagnostic>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: &'a SourceFile, folder: &'a Path) -> Builder<'a> {
        Builder { file, folder, mistakes: Vec::new() }
    }

    /// What was wrong.
    pub(super) fn mistakes(self) -> Vec<Diagnostic> {
        self.mistakes
    }

    /// All of a deployment. `None` only with a mistake told.
    pub(super) fn config(&mut self, written: &written::Deployment) -> Option<Config> {
        let mut judging = self.judging(written);
        let listen = self.needed(written.listen.as_ref(), "listen");
        let listen = listen.and_then(|listen| self.listen(&listen.value));
        let upstream = self.needed(written.upstream.as_ref(), "upstream");
        let upstream = upstream.and_then(|upstream| self.upstream(&upstream.value));
        let identity = self.needed(written.identity.as_ref(), "identity");
        let identity =
            identity.and_then(|identity| self.identity(identity, written.listen.as_ref()));
        if let (Some(upstream), Some(Identity::Header(_)), Some(section)) =
            (&upstream, &identity, &written.upstream)
            && matches!(upstream.authorization, Authorization::Reader)
        {
            let place = section.value.authorization.as_ref().map_or(section.span, |at| at.span);
            self.error(place, "readers known by a `header` have no token to pass on")
                .help("write `token-file` or `client-certificate` with `key`");
        }
        let audit = self.needed(written.audit.as_ref(), "audit");
        let audit = audit.map(|audit| self.audit(&audit.value));
        let findings = audit.as_ref().map(|audit| self.findings(&written.findings, audit));
        let cursors = self.cursors(&written.cursors);
        let traces = written.traces.as_ref().and_then(|traces| self.url(&traces.otlp));
        self.shared_key(&mut judging.limits.reads, &cursors, &written.limits);
        let notice = written.notice.as_ref().and_then(|notice| self.url(notice));
        let admin = written.admin.as_ref();
        let admin_address = admin.and_then(|admin| self.socket_address(&admin.address));
        if let (Some(admin), Some(address), Some(listen)) = (admin, admin_address, &listen)
            && listen.address == Address::Tcp(address)
        {
            let message = "`admin` and `listen` cannot share an address";
            self.error(admin.address.span, message).help("give `admin` another port");
        }
        Some(Config {
            judging,
            listen: listen?,
            upstream: upstream?,
            identity: identity?,
            cursors,
            notice,
            audit: audit?,
            findings: findings?,
            traces,
            admin: admin_address,
        })
    }

    /// The part that `redact` and `explain` read.
    pub(super) fn judging(&mut self, written: &written::Deployment) -> Judging {
        let upstream = written.upstream.as_ref().map(|upstream| &upstream.value);
        let public_url = upstream.and_then(|upstream| upstream.public_url.as_ref());
        let public_url = public_url.and_then(|url| self.origin(url));
        Judging {
            members: self.path(&written.members.file),
            grants: written.grants.as_ref().map(|grants| self.path(&grants.file)),
            restrictions: written.restrictions.as_ref().map(|named| self.path(&named.file)),
            policies: self.path(&written.policies),
            limits: self.limits(&written.limits),
            public_url,
        }
    }

    fn limits(&mut self, written: &written::Limits) -> Limits {
        // DESIGN 4.1 has the defaults; the bounds keep a slip of the pen from becoming one.
        let hold_bytes = self.size(written.hold.as_ref(), 8 * MIB, 64 * KIB..=GIB);
        let record_bytes = self.size(written.record.as_ref(), 4 * MIB, 4 * KIB..=256 * MIB);
        let all_held_bytes = self.size(written.held.as_ref(), 512 * MIB, MIB..=1024 * GIB);
        if all_held_bytes < hold_bytes {
            let place = written.held.as_ref().or(written.hold.as_ref());
            let span = place.map(|at| at.span).unwrap_or_default();
            self.error(span, "`held` must be at least `hold`").help("else no body could be held");
        }
        let depth = self.count(written.depth.as_ref(), 64, 8..=256);
        let upstream_pages = self.count(written.upstream_pages.as_ref(), 100, 1..=10_000);
        let reads = self.reads(written);
        let page_records = self.page_records(written.page_records.as_ref(), &reads);
        self.holds_whole_body(&reads, hold_bytes, written);
        Limits {
            hold_bytes: usize::try_from(hold_bytes).unwrap_or(usize::MAX),
            record_bytes: usize::try_from(record_bytes).unwrap_or(usize::MAX),
            depth: usize::try_from(depth).unwrap_or(usize::MAX),
            held_bytes: usize::try_from(all_held_bytes).unwrap_or(usize::MAX),
            upstream_pages,
            page_records,
            reads,
        }
    }

    pub(super) fn rate(&mut self, written: &At<String>) -> Option<Rate> {
        let rate = self.unit(written, "rate", units::rate)?;
        self.in_windows(written, rate)
    }

    pub(super) fn byte_rate(&mut self, written: &At<String>) -> Option<Rate> {
        let rate = self.unit(written, "rate of bytes", units::byte_rate)?;
        self.in_windows(written, rate)
    }

    fn in_windows(&mut self, written: &At<String>, rate: Rate) -> Option<Rate> {
        if !WINDOWS.contains(&rate.per) {
            self.error(written.span, "the time of a rate is from `1m` to `30d`");
            return None;
        }
        Some(rate)
    }

    /// What must be there to run.
    fn needed<'w, T>(&mut self, written: Option<&'w T>, key: &str) -> Option<&'w T> {
        if written.is_none() {
            let message = format!("the file needs the key `{key}`");
            let mistake = Diagnostic::error(self.file, Span::default(), message);
            self.mistakes.push(Diagnostic { span: None, ..mistake });
        }
        written
    }

    /// Tells a mistake.
    pub(super) fn error(&mut self, span: Span, message: impl Into<String>) -> Told<'_> {
        self.mistakes.push(Diagnostic::error(self.file, span, message));
        Told(self.mistakes.last_mut())
    }

    /// A path, relative to the file.
    pub(super) fn path(&mut self, written: &At<String>) -> PathBuf {
        if written.value.is_empty() || written.value.contains('\0') {
            self.error(written.span, "this is no path");
        }
        self.folder.join(&written.value)
    }

    /// A text with something in it.
    pub(super) fn text(&mut self, written: &At<String>, what: &str) -> String {
        if written.value.trim().is_empty() {
            self.error(written.span, format!("`{what}` is empty"));
        }
        written.value.clone()
    }

    pub(super) fn url(&mut self, written: &At<String>) -> Option<Url> {
        let read = address::url(&written.value);
        self.address(written, "URL", read)
    }

    pub(super) fn origin(&mut self, written: &At<String>) -> Option<Origin> {
        let read = address::origin(&written.value);
        self.address(written, "URL", read)
    }

    fn address<T>(
        &mut self,
        written: &At<String>,
        what: &str,
        read: Result<T, &'static str>,
    ) -> Option<T> {
        read.map_err(|why| {
            let message = format!("`{}` is no {what} that can be used: {why}", written.value);
            self.error(written.span, message);
        })
        .ok()
    }

    pub(super) fn socket_address(&mut self, written: &At<String>) -> Option<SocketAddr> {
        let address = written.value.parse().ok();
        if address.is_none() {
            let message = format!("`{}` is no IP address with a port", written.value);
            self.error(written.span, message).help("write it like `0.0.0.0:8443` or `[::]:8443`");
        }
        address
    }

    pub(super) fn duration(&mut self, written: Option<&At<String>>, default: Duration) -> Duration {
        let Some(written) = written else { return default };
        let longest = Duration::from_hours(1);
        match self.unit(written, "time", units::duration) {
            Some(duration) if duration.is_zero() || duration > longest => {
                self.error(written.span, "a timeout is from `1ms` to `1h`");
                default
            }
            Some(duration) => duration,
            None => default,
        }
    }

    /// A time that is no timeout.
    pub(super) fn window(&mut self, written: &At<String>) -> Option<Duration> {
        let window = self.unit(written, "time", units::duration)?;
        if !WINDOWS.contains(&window) {
            self.error(written.span, "this time is from `1m` to `30d`");
            return None;
        }
        Some(window)
    }

    pub(super) fn size(
        &mut self,
        written: Option<&At<String>>,
        default: u64,
        bounds: RangeInclusive<u64>,
    ) -> u64 {
        let Some(written) = written else { return default };
        match self.unit(written, "size", units::size) {
            Some(size) if !bounds.contains(&size) => {
                let (least, most) = (shown_size(*bounds.start()), shown_size(*bounds.end()));
                let message = format!("this size must be from `{least}` to `{most}`");
                self.error(written.span, message);
                default
            }
            Some(size) => size,
            None => default,
        }
    }

    pub(super) fn count(
        &mut self,
        written: Option<&At<u32>>,
        default: u32,
        bounds: RangeInclusive<u32>,
    ) -> u32 {
        let Some(written) = written else { return default };
        if bounds.contains(&written.value) {
            return written.value;
        }
        let message = format!("this must be from {} to {}", bounds.start(), bounds.end());
        self.error(written.span, message);
        default
    }

    fn unit<T>(
        &mut self,
        written: &At<String>,
        what: &str,
        read: impl Fn(&str) -> Result<T, HowToWrite>,
    ) -> Option<T> {
        read(&written.value)
            .map_err(|HowToWrite(help)| {
                let message = format!("`{}` is no {what}", written.value);
                self.error(written.span, message).help(help);
            })
            .ok()
    }
}

/// A mistake just told, to which advice may be added.
pub(super) struct Told<'a>(Option<&'a mut Diagnostic>);

impl Told<'_> {
    pub(super) fn help(mut self, help: &str) -> Self {
        if let Some(mistake) = &mut self.0 {
            mistake.help = Some(help.to_owned());
        }
        self
    }
}

pub(super) fn shown_size(bytes: u64) -> String {
    for (unit, size) in [("GiB", GIB), ("MiB", MIB), ("KiB", KIB)] {
        if bytes >= size && bytes.is_multiple_of(size) {
            return format!("{}{unit}", bytes.checked_div(size).unwrap_or_default());
        }
    }
    format!("{bytes}B")
}
