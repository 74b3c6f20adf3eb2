//! Sizes, durations and rates as users write them: `8MiB`, `500ms`, `120 per 1m`.
//!
//! A unit is always written: a bare number has a different one in everybody's mind.

use std::num::NonZeroU64;
use std::time::Duration;

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub most: NonZeroU64,
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
const BYTE_RATE: HowToWrite = HowToWrite("write a size, `per` and a time, like `500MiB per 1d`");

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
    let count = |most: &str| match number_and_unit(most) {
        Some((most, "")) => u32::try_from(most).ok().map(u64::from),
        _ => None,
    };
    rate_of(text, count).ok_or(RATE)
}

/// So many bytes in so long: `500MiB per 1d`.
pub fn byte_rate(text: &str) -> Result<Rate, HowToWrite> {
    rate_of(text, |most| size(most).ok()).ok_or(BYTE_RATE)
}

fn rate_of(text: &str, most: impl Fn(&str) -> Option<u64>) -> Option<Rate> {
    let mut words = text.split(' ');
    let (Some(count), Some("per"), Some(per), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return None;
    };
    let per = duration(per).ok().filter(|per| !per.is_zero())?;
    Some(Rate { most: NonZeroU64::new(most(count)?)?, per })
}

/// A time as users write it, in the largest unit that fits: `1m`, `30d`.
pub fn shown_duration(time: Duration) -> String {
    let seconds = time.as_secs();
    for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60)] {
        if seconds >= length && seconds.is_multiple_of(length) {
            return format!("{}{unit}", seconds.checked_div(length).unwrap_or_default());
        }
    }
    format!("{seconds}s")
}

/// Digits, then whatever follows. No sign, no fraction, no space between.
fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, unit))
}
