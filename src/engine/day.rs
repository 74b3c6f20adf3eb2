//! Calendar days as bodies write them.

use jiff::civil::Date;

/// The day of a date-time as written: `2026-11-21`.
pub(super) const DAY_BYTES: usize = 10;

/// The day that a text begins with.
#[inline]
pub(super) fn day_of(text: &str) -> Option<Date> {
    let day = text.get(..DAY_BYTES)?;
    // Every record has several, and all but a few are written like this.
    plain(day.as_bytes()).or_else(|| day.parse().ok())
}

/// Of `YYYY-MM-DD`, the extended format of ISO 8601.
fn plain(day: &[u8]) -> Option<Date> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = day else { return None };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number: i16, digit| {
            digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0'))
        })
    };
    let month = i8::try_from(number(&[m1, m2])?).ok()?;
    Date::new(number(&[y1, y2, y3, y4])?, month, i8::try_from(number(&[d1, d2])?).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{day_of, plain};
    use jiff::civil::Date;

    #[test]
    fn a_day_is_what_the_library_reads() {
        for text in [
            "2026-11-21",
            "2024-02-29T10:00:00Z",
            "0001-01-01",
            "9999-12-31",
            "2023-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-11-00",
            "2026-11-31",
            "20261121T1",
            "2026-W47-6",
            "2026-1-021",
            "-026-11-21",
            "+026-11-21",
            "2026/11/21",
            "2026-11-2x",
            "２０２６-",
            "",
            "2026-11-2",
            "99213-GT-1",
        ] {
            let read: Option<Date> = text.get(..10).and_then(|day| day.parse().ok());
            assert_eq!(day_of(text), read, "{text}");
        }
        assert!(plain(b"2026-11-21").is_some());
    }
}
