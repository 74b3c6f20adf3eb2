//! Who is who: roster, grants, restrictions, relation, age.
//!
//! [`Book`] holds the files of one deployment and looks after them; [`Book::view`] gives the
//! engine one reader on one day. What is read from text is pure ([`register`]); only `files`
//! touches the disk, and nothing here asks the time.

pub mod age;
mod dates;
mod files;
mod grants;
mod people;
mod register;
mod relation;
mod restrictions;
mod roster;
mod table;
#[cfg(test)]
mod tests;

pub use age::States;
pub use files::{Book, BookPaths, Moment};
pub use register::{Register, RegisterFiles};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

/// The day it is where days begin first: on a birthday a parent's view closes at the earliest
/// moment at which it can be that day anywhere (DESIGN 4.6).
pub fn today_at_utc_plus_14(now: Timestamp) -> Date {
    Offset::constant(14).to_datetime(now).date()
}
