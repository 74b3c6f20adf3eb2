//! Limits on bulk reads, in the unit of harm: requests, records, different subjects and bytes, by
//! reader, contract, client application and (reader, subject), over several windows each
//! (DESIGN section 7). All hold at once; the tightest wins.
//!
//! A request has a [`Budget`]. It is charged once when it comes and once before what is released
//! leaves ([`Budget::release`]; a stream before each flush): all of it or nothing, and if it is
//! not there, nothing leaves. What is withheld costs nothing. What has left once is not given
//! back, also if the reader hangs up.

mod bucket;
mod budget;
mod charge;
mod fields;
mod keys;
mod long_reads;
mod row;
mod seen;
mod shared;
mod state_file;
mod table;
#[cfg(test)]
mod tests;

pub use budget::{Budget, Who};
pub use charge::{Limit, OverLimit};
pub use keys::AddressBlock;
pub use long_reads::LongRead;

use crate::config::meant::{ReadLimits, Scope};
use bucket::TimeUs;
use charge::{Amounts, Left, Line, Taking};
use fields::ReaderFields;
use keys::{Hasher, SECRET_BYTES};
use long_reads::LongReads;
use shared::{Away, Shared};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use table::Tables;

/// How often what was read is written to the state file: a process that is killed forgets at most
/// this much, or twenty times as long as writing takes.
const SAVE_EVERY: Duration = Duration::from_secs(30);
const SAVE_REST: u32 = 20;

/// The limits of one deployment.
#[derive(Debug)]
pub struct Limits {
    hasher: Hasher,
    secret: [u8; SECRET_BYTES],
    tables: Tables,
    shared: Option<Shared>,
    long_reads: LongReads,
    fields: ReaderFields,
    state: Option<PathBuf>,
    clock: SteadyClock,
}

/// The time of the machine at the start, and then as it goes by: a clock that is set meanwhile
/// gives nobody anything back.
#[derive(Clone, Copy, Debug)]
struct SteadyClock {
    began: Instant,
    began_us: TimeUs,
}

impl Limits {
    /// As a deployment says, with what was read before. The error is words for an operator.
    pub fn open(reads: &ReadLimits) -> Result<Limits, String> {
        let limits = Limits::read(reads)?;
        // Better told now than at the end.
        limits.save()?;
        Ok(limits)
    }

    /// The same, with nothing written yet.
    pub(crate) fn read(reads: &ReadLimits) -> Result<Limits, String> {
        let clock = SteadyClock::start();
        let tables = Tables::new(&reads.rates, reads.keys);
        let kept = reads.state.as_deref().map(state_file::read_secret).transpose()?.flatten();
        let common = reads.shared.as_ref().map(shared::secret_of).transpose()?;
        let secret = match (common, kept) {
            (Some(secret), _) | (None, Some(secret)) => secret,
            (None, None) => new_secret().ok_or("no random numbers for the keys of limits")?,
        };
        // Rows by another secret are nobody's.
        if let (Some(path), true) = (&reads.state, kept == Some(secret)) {
            state_file::read(path, &tables, clock.now())?;
        }
        let readers = tables.of(Scope::Reader);
        let rates = readers.into_iter().flat_map(|table| table.columns.rates());
        let fields = ReaderFields::new(rates);
        Ok(Limits {
            hasher: Hasher::new(&secret),
            secret,
            tables,
            shared: reads.shared.as_ref().map(Shared::new).transpose()?,
            long_reads: LongReads::new(reads.long_reads),
            fields,
            state: reads.state.clone(),
            clock,
        })
    }

    /// The budgets of one request.
    pub fn budget(self: &Arc<Limits>, who: Who<'_>) -> Budget {
        Budget::of(self, who)
    }

    /// The block that an address is of.
    pub fn block_of(&self, address: IpAddr) -> AddressBlock {
        self.hasher.address(address)
    }

    /// Whether credentials from this address may be looked at: not after too many that did not
    /// hold.
    pub fn address(&self, address: AddressBlock) -> Result<(), OverLimit> {
        self.tables.charge(&[address_line(address)], self.clock.now(), Taking::Look).map(|_| ())
    }

    /// Credentials from this address did not hold.
    pub fn bad_credentials(&self, address: AddressBlock) {
        // Who was looked at is refused the next time.
        self.tables.charge(&[address_line(address)], self.clock.now(), Taking::Anyway).ok();
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        self.tables.rows()
    }

    /// Forgets who has everything back. To be called now and then.
    pub fn forget_idle(&self) {
        self.tables.forget(self.clock.now());
    }

    /// Writes the state file, if there is one. The error is words for an operator.
    pub fn save(&self) -> Result<(), String> {
        let Some(path) = &self.state else { return Ok(()) };
        state_file::write(path, &self.secret, &self.tables, self.clock.now())
            .map_err(|error| cannot_write(path, &error))
    }

    /// Writes the state file again and again, for as long as it is polled; `not_saved` is told
    /// when it cannot be.
    pub async fn save_now_and_then(self: &Arc<Limits>, not_saved: impl Fn()) {
        if self.state.is_none() {
            return std::future::pending().await;
        }
        let mut rest = SAVE_EVERY;
        loop {
            tokio::time::sleep(rest).await;
            let began = Instant::now();
            let limits = Arc::clone(self);
            let saved = tokio::task::spawn_blocking(move || limits.save()).await;
            if !matches!(saved, Ok(Ok(()))) {
                not_saved();
            }
            rest = SAVE_EVERY.max(began.elapsed().saturating_mul(SAVE_REST));
        }
    }

    /// Whether the server of shared budgets answers; true where there is none.
    pub fn counts_together(&self) -> bool {
        self.shared.as_ref().is_none_or(Shared::is_here)
    }

    /// Keeps the connection to the server of shared budgets, for as long as it is polled.
    pub async fn stay_connected(&self) {
        match &self.shared {
            Some(shared) => shared.stay_connected().await,
            None => std::future::pending().await,
        }
    }

    /// The own tables always count, and what they do not have is refused: a server that forgets
    /// everything gives no proxy more than one budget. While it is away they decide alone, each
    /// proxy over its share; what left before is counted.
    async fn charge(&self, lines: &[Line]) -> Result<Option<Left>, OverLimit> {
        let now = self.clock.now();
        let Some(shared) = &self.shared else {
            return self.tables.charge(lines, now, Taking::IfThere { share: 1 });
        };
        if !shared.is_here() {
            return self.tables.charge(lines, now, Taking::IfThere { share: shared.proxies });
        }
        self.tables.charge(lines, now, Taking::Look)?;
        match shared.charge(lines, &self.tables).await {
            Ok(Ok(left)) => {
                self.tables.charge(lines, now, Taking::Anyway)?;
                Ok(left)
            }
            Ok(Err(over)) => Err(over),
            Err(Away) => self.tables.charge(lines, now, Taking::IfThere { share: shared.proxies }),
        }
    }
}

fn address_line(AddressBlock(key): AddressBlock) -> Line {
    let amounts = Amounts::ONE_REQUEST;
    Line { scope: Scope::Address, key, amounts, subjects: Vec::new() }
}

impl SteadyClock {
    fn start() -> SteadyClock {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let began_us = u64::try_from(since.as_micros()).unwrap_or_default();
        SteadyClock { began: Instant::now(), began_us }
    }

    fn now(self) -> TimeUs {
        let since = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.began_us.saturating_add(since)
    }
}

fn new_secret() -> Option<[u8; SECRET_BYTES]> {
    let mut secret = [0; SECRET_BYTES];
    aws_lc_rs::rand::fill(&mut secret).ok()?;
    Some(secret)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("{}: the state of limits cannot be written: {error}", path.display())
}
