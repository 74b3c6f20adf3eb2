//! Sizes, durations and rates as users write them: `8MiB`, `500ms`, `120 per 1m`.
//!
//! A unit is always written: a bare number has a different one in everybody's mind.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub most: NonZeroU32,
    /// In how long.
    pub per: Duration,
}

/// What to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HowToWrite(pub &'static str);

const SIZE: HowToWrite = HowToWrite("write a number and `B`, `KiB`, `MiB` or `GiB`, like `8MiB`");
const DURATION: HowToWrite =
    HowToWrite("write a number and `ms`, `s`, `m`, `h` or `d`, like `500ms`");
const RATE: HowToWrite = HowToWrite("write a number, `per` and a time, like `120 per 1m`");

/// Bytes: `8MiB` is 8 × 1,048,576.
pub fn size(text: &str) -> Result<u64, HowToWrite> {
    let (number, unit) = number_and_unit(text).ok_or(SIZE)?;
    let bytes: u64 = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(SIZE),
    };
    number.checked_mul(bytes).ok_or(SIZE)
}

/// A time: `500ms`, `2s`, `1m`, `12h`, `30d`.
pub fn duration(text: &str) -> Result<Duration, HowToWrite> {
    let (number, unit) = number_and_unit(text).ok_or(DURATION)?;
    let seconds: u64 = match unit {
        "ms" => return Ok(Duration::from_millis(number)),
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return Err(DURATION),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or(DURATION)
}

/// So many in so long: `120 per 1m`.
pub fn rate(text: &str) -> Result<Rate, HowToWrite> {
    let mut words = text.split(' ');
    let (Some(most), Some("per"), Some(per), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(RATE);
    };
    let Some((most, "")) = number_and_unit(most) else { return Err(RATE) };
    let most = u32::try_from(most).ok().and_then(NonZeroU32::new).ok_or(RATE)?;
    let per = duration(per).map_err(|_| RATE)?;
    if per.is_zero() {
        return Err(RATE);
    }
    Ok(Rate { most, per })
}

/// Digits, then whatever follows. No sign, no fraction, no space between.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}
