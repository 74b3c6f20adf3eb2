//! Limits on bulk reads as meant (DESIGN section 7), and those in force where a deployment says
//! nothing.

use super::address::StoreAddress;
use super::units::{Rate, shown_duration};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

/// Whose reads are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One reader, by all their tokens and applications.
    Reader,
    /// All readers of one contract.
    Contract,
    /// All readers by one client application.
    Client,
    /// One reader about one subject.
    Subject,
    /// One network address whose credentials do not hold.
    Address,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Scope; 5] =
        [Scope::Reader, Scope::Contract, Scope::Client, Scope::Subject, Scope::Address];

    /// Its name in `sequester.yaml`, in answers and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Reader => "reader",
            Scope::Contract => "contract",
            Scope::Client => "client",
            Scope::Subject => "subject",
            Scope::Address => "address",
        }
    }

    /// What can be counted in it.
    pub fn dimensions(self) -> &'static [Dimension] {
        match self {
            Scope::Reader | Scope::Contract | Scope::Client => &Dimension::ALL,
            Scope::Subject => &[Dimension::Requests, Dimension::Records, Dimension::Bytes],
            Scope::Address => &[Dimension::Requests],
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Requests, whatever becomes of them; of a subject: answers with something about them.
    Requests,
    /// Records released.
    Records,
    /// Different people about whom something was released.
    Subjects,
    /// Bytes of bodies released.
    Bytes,
}

impl Dimension {
    /// Every dimension.
    pub const ALL: [Dimension; 4] =
        [Dimension::Requests, Dimension::Records, Dimension::Subjects, Dimension::Bytes];

    /// Its name in `sequester.yaml`, in answers and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Requests => "requests",
            Dimension::Records => "records",
            Dimension::Subjects => "subjects",
            Dimension::Bytes => "bytes",
        }
    }
}

/// A rate, of what, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopedRate {
    /// For whom.
    pub scope: Scope,
    /// Of what.
    pub dimension: Dimension,
    /// How much in how long.
    pub rate: Rate,
}

impl ScopedRate {
    /// Whether it counts different people, not a sum.
    pub fn is_of_subjects(&self) -> bool {
        self.dimension == Dimension::Subjects
    }

    /// Its name in answers: `records-1d`, `contract-records-1d`.
    pub fn name(&self) -> String {
        let window = shown_duration(self.rate.per);
        match self.scope {
            Scope::Reader => format!("{}-{window}", self.dimension.name()),
            scope @ (Scope::Contract | Scope::Client | Scope::Subject | Scope::Address) => {
                format!("{}-{}-{window}", scope.name(), self.dimension.name())
            }
        }
    }
}

/// Limits on what is read. All rates hold at once; the tightest wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// The rates.
    pub rates: Vec<ScopedRate>,
    /// Streams and `$everything` of one reader at a time.
    pub long_reads: u32,
    /// Most keys remembered in each scope.
    pub keys: usize,
    /// Where counts are kept from one start to the next.
    pub state: Option<PathBuf>,
    /// Where several proxies count together.
    pub shared: Option<Shared>,
}

/// A Valkey or Redis on which several proxies count together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Where it is.
    pub address: StoreAddress,
    /// Who signs its certificate, PEM file; the system's if `None`.
    pub authorities: Option<PathBuf>,
    /// As whom.
    pub username: Option<String>,
    /// By which password.
    pub password: Password,
    /// The file of the secret by which names are hashed. `None` only where `cursors.keys` is not
    /// read.
    pub key: Option<PathBuf>,
    /// Of how many shares this proxy has one while the server is away.
    pub proxies: u32,
    /// How long a request waits for it.
    pub timeout: Duration,
}

/// Where a password is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// There is none.
    None,
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Environment(String),
}

impl ReadLimits {
    /// The smallest of the rates of one dimension: no single answer can be larger.
    pub fn smallest(&self, dimension: Dimension) -> Option<&ScopedRate> {
        let of = self.rates.iter().filter(|rate| rate.dimension == dimension);
        of.min_by_key(|rate| rate.rate.most)
    }
}

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
const MONTH: Duration = Duration::from_hours(30 * 24);
const GIB: u64 = 1 << 30;

/// All rates where a deployment names none.
pub fn usual_of_all() -> Vec<ScopedRate> {
    Scope::ALL.into_iter().flat_map(usual).collect()
}

/// The rates of a scope that a deployment does not name.
///
/// An honest family of six in a portal that makes 30 requests for a page never meets them: 100
/// pages a minute for one of them, 400 for all; a day of 650 pages with 20 records a request. Who
/// takes more in a day is not looking at pages, and who sees 50 people in a day is no family. How
/// much goes through one application only its operator knows: no rate.
pub(super) fn usual(scope: Scope) -> Vec<ScopedRate> {
    use Dimension::{Bytes, Records, Requests, Subjects};
    let rates: &[(Dimension, u64, Duration)] = match scope {
        Scope::Reader => &[
            (Requests, 3_000, MINUTE),
            (Requests, 50_000, DAY),
            (Records, 400_000, DAY),
            (Records, 4_000_000, MONTH),
            (Subjects, 50, DAY),
            (Subjects, 100, MONTH),
            (Bytes, 2 * GIB, DAY),
        ],
        Scope::Contract => &[
            (Requests, 12_000, MINUTE),
            (Records, 2_000_000, DAY),
            (Records, 20_000_000, MONTH),
            (Subjects, 200, MONTH),
        ],
        Scope::Client => &[],
        Scope::Subject => &[(Records, 200_000, DAY), (Records, 2_000_000, MONTH)],
        Scope::Address => &[(Requests, 600, MINUTE)],
    };
    let scoped = rates.iter().map(|(dimension, most, per)| ScopedRate {
        scope,
        dimension: *dimension,
        rate: Rate { most: NonZeroU64::new(*most).unwrap_or(NonZeroU64::MIN), per: *per },
    });
    scoped.collect()
}
