//! As written → as meant: limits on bulk reads.

use super::address;
use super::build::{Builder, shown_size};
use super::meant::Cursors;
use super::reads::{Dimension, Password, ReadLimits, Scope, ScopedRate, Shared, usual};
use super::units;
use super::written::{self, ReadLimit};
use crate::engine::diagnostics::At;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Records on a page where the deployment does not say (DESIGN 4.1).
const PAGE_RECORDS: u32 = 200;

/// Streams of one reader at a time where the deployment does not say: a person and their phone.
const LONG_READS: u32 = 4;

/// Keys of a scope where the deployment does not say: the members of a large plan.
const KEYS: u32 = 1_000_000;
const KEYS_BOUNDS: RangeInclusive<u32> = 1_000..=100_000_000;

/// How long a request waits for the store where the deployment does not say: many times what one
/// in the same house takes.
const STORE_TIMEOUT: Duration = Duration::from_millis(50);

/// Most subjects that one key may be allowed: each is remembered (16 bytes).
const SUBJECTS_MAX: u64 = 1_000_000;

impl Builder<'_> {
    pub(super) fn reads(&mut self, written: &written::Limits) -> ReadLimits {
        let mut rates = Vec::new();
        for scope in Scope::ALL {
            let named = match scope {
                Scope::Reader => &written.reader,
                Scope::Contract => &written.contract,
                Scope::Client => &written.client,
                Scope::Subject => &written.subject,
                Scope::Address => &written.address,
            };
            match named {
                None => rates.extend(usual(scope)),
                Some(limits) => {
                    for limit in limits {
                        let rate = self.scoped_rate(scope, limit);
                        if let Some(rate) = rate {
                            self.not_said_twice(&rates, &rate, limit);
                            rates.push(rate);
                        }
                    }
                }
            }
        }
        let keys = self.count(written.keys.as_ref(), KEYS, KEYS_BOUNDS);
        ReadLimits {
            rates,
            long_reads: self.count(written.long_reads.as_ref(), LONG_READS, 1..=10_000),
            keys: usize::try_from(keys).unwrap_or(usize::MAX),
            state: written.state.as_ref().map(|file| self.path(file)),
            shared: written.shared.as_ref().and_then(|shared| self.shared(shared)),
        }
    }

    fn shared(&mut self, written: &At<written::Shared>) -> Option<Shared> {
        let server = match &written.value {
            written::Shared::More(server) => server.as_ref().clone(),
            written::Shared::Url(url) => written::SharedServer {
                url: At { value: url.clone(), span: written.span },
                authorities: None,
                username: None,
                password_file: None,
                password_env: None,
                key: None,
                proxies: None,
                timeout: None,
            },
        };
        let address = address::store(&server.url.value)
            .map_err(|why| {
                let message = format!("`{}` is no URL that can be used: {why}", server.url.value);
                self.error(server.url.span, message);
            })
            .ok();
        if let (Some(address), Some(authorities)) = (&address, &server.authorities)
            && !address.tls
        {
            self.error(authorities.span, "`authorities` are of no use with `redis://`")
                .help("write `rediss://` in `url`, or remove them");
        }
        let password = match (&server.password_file, &server.password_env) {
            (None, None) => Password::None,
            (Some(file), None) => Password::File(self.path(file)),
            (None, Some(name)) => Password::Environment(self.text(name, "password-env")),
            (Some(_), Some(name)) => {
                let message = "the password is in a file or in the environment, not in both";
                self.error(name.span, message).help("keep one of the two");
                Password::None
            }
        };
        Some(Shared {
            authorities: server.authorities.as_ref().map(|file| self.path(file)),
            username: server.username.as_ref().map(|name| self.text(name, "username")),
            password,
            key: server.key.as_ref().map(|file| self.path(file)),
            proxies: self.count(server.proxies.as_ref(), 1, 1..=1_000),
            timeout: self.duration(server.timeout.as_ref(), STORE_TIMEOUT),
            address: address?,
        })
    }

    /// Names are hashed by a secret that all proxies have.
    pub(super) fn shared_key(
        &mut self,
        reads: &mut ReadLimits,
        cursors: &Cursors,
        written: &written::Limits,
    ) {
        let Some(shared) = &mut reads.shared else { return };
        if shared.key.is_none() {
            shared.key.clone_from(&cursors.keys);
        }
        if shared.key.is_none() {
            let place = written.shared.as_ref().map(|shared| shared.span).unwrap_or_default();
            self.error(place, "proxies that count together need a secret that they share")
                .help("set `cursors.keys`, or write `shared: { url: …, key: F }`");
        }
    }

    /// Two rates of one window would have one name in answers, and one of them no effect.
    fn not_said_twice(&mut self, rates: &[ScopedRate], rate: &ScopedRate, limit: &At<ReadLimit>) {
        let (what, window) = (rate.dimension.name(), units::shown_duration(rate.rate.per));
        if rates.iter().any(|other| other.name() == rate.name()) {
            self.error(limit.span, format!("a second limit of `{what}` per {window}"))
                .help("keep the smaller one");
        }
    }

    fn scoped_rate(&mut self, scope: Scope, limit: &At<ReadLimit>) -> Option<ScopedRate> {
        let ReadLimit { requests, records, subjects, bytes } = &limit.value;
        let mut said = [
            (Dimension::Requests, requests),
            (Dimension::Records, records),
            (Dimension::Subjects, subjects),
            (Dimension::Bytes, bytes),
        ]
        .into_iter()
        .filter_map(|(dimension, rate)| Some((dimension, rate.as_ref()?)));
        let (dimension, text) = match (said.next(), said.next()) {
            (Some(one), None) => one,
            (Some((one, _)), Some((other, _))) => {
                let (one, other) = (one.name(), other.name());
                let message = format!("a limit is of `{one}` or of `{other}`, not of both");
                self.error(limit.span, message).help("write two items");
                return None;
            }
            (None, _) => {
                let message = "a limit must say of what";
                self.error(limit.span, message).help("write `requests: 120 per 1m`");
                return None;
            }
        };
        if !scope.dimensions().contains(&dimension) {
            let message = format!("`{}` has no limit of `{}`", scope.name(), dimension.name());
            let can: Vec<String> =
                scope.dimensions().iter().map(|one| format!("`{}`", one.name())).collect();
            self.error(text.span, message).help(&format!("write {}", can.join(" or ")));
            return None;
        }
        let rate = match dimension {
            Dimension::Bytes => self.byte_rate(text)?,
            Dimension::Requests | Dimension::Records | Dimension::Subjects => self.rate(text)?,
        };
        if dimension == Dimension::Subjects && rate.most.get() > SUBJECTS_MAX {
            self.error(text.span, format!("a limit of `subjects` is at most {SUBJECTS_MAX}"))
                .help("each of them is remembered");
            return None;
        }
        Some(ScopedRate { scope, dimension, rate })
    }

    /// Where nobody says how long pages are, they are not longer than what may be read at once.
    pub(super) fn page_records(&mut self, written: Option<&At<u32>>, reads: &ReadLimits) -> u32 {
        let page_records = self.count(written, PAGE_RECORDS, 1..=10_000);
        let Some(smallest) = reads.smallest(Dimension::Records) else { return page_records };
        if u64::from(page_records) <= smallest.rate.most.get() {
            return page_records;
        }
        if let Some(written) = written {
            let (most, name) = (smallest.rate.most, smallest.name());
            let message = format!("a page of {page_records} records is over the limit `{name}`");
            self.error(written.span, message).help(&format!(
                "write at most {most}, or a larger limit: no such page could leave"
            ));
        }
        u32::try_from(smallest.rate.most.get()).unwrap_or(page_records)
    }

    /// A body that may be held and never leave is a mistake.
    pub(super) fn holds_whole_body(
        &mut self,
        reads: &ReadLimits,
        hold_bytes: u64,
        written: &written::Limits,
    ) {
        let Some(smallest) = reads.smallest(Dimension::Bytes) else { return };
        if hold_bytes > smallest.rate.most.get() {
            let said = written.hold.as_ref().map(|hold| hold.span).or_else(|| {
                let scopes =
                    [&written.reader, &written.contract, &written.client, &written.subject];
                let mut limits = scopes.into_iter().flatten().flatten();
                limits.find_map(|limit| Some(limit.value.bytes.as_ref()?.span))
            });
            let (hold, name) = (shown_size(hold_bytes), smallest.name());
            let message = format!("a body of `hold` ({hold}) is over the limit `{name}`");
            self.error(said.unwrap_or_default(), message)
                .help("write a smaller `hold`, or a larger limit: no such body could leave");
        }
    }
}
