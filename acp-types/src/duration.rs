//! Times as people write them: in policies and on command lines.

use std::time::Duration;

/// A time that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDuration {
    /// It does not begin with a number, or ends with it.
    #[error("{text:?} is no duration; write a number and its unit, such as 500ms, 10s, 2m, 12h or 30d")]
    Shape {
        /// The text as written.
        text: String,
    },
    /// There is no such unit.
    #[error("{text:?} has no unit that is known; those are ms, s, m, h, d and w")]
    Unit {
        /// The text as written.
        text: String,
    },
    /// It is too long.
    #[error("{text:?} is longer than {} days", .most.as_secs() / 86_400)]
    TooLong {
        /// The text as written.
        text: String,
        /// The longest that may be.
        most: Duration,
    },
}

/// Reads a number and its unit: `500ms`, `10s`, `2m`, `12h`, `30d`, `2w`.
///
/// # Errors
/// When it is none of these, or longer than `most`.
pub fn parse(text: &str, most: Duration) -> Result<Duration, InvalidDuration> {
    let shape = || InvalidDuration::Shape { text: text.to_owned() };
    let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(shape)?;
    let (digits, unit) = text.split_at(unit);
    if digits.is_empty() {
        return Err(shape());
    }
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 7 * 86_400_000,
        _ => return Err(InvalidDuration::Unit { text: text.to_owned() }),
    };
    // What is no number now is one that is too large.
    let time = digits.parse().ok().and_then(|number: u64| number.checked_mul(millis)).map(Duration::from_millis);
    time.filter(|time| *time <= most).ok_or_else(|| InvalidDuration::TooLong { text: text.to_owned(), most })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{InvalidDuration, parse};

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_duration_needs_a_number_a_unit_and_an_end() {
        for (text, seconds) in [("0s", 0.0), ("500ms", 0.5), ("10s", 10.0), ("2m", 120.0), ("24h", 86_400.0)] {
            assert_eq!(parse(text, DAY), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        assert_eq!(parse("2w", 14 * DAY), Ok(14 * DAY));
        for text in ["", "s", "10", "-1s"] {
            assert!(matches!(parse(text, DAY), Err(InvalidDuration::Shape { .. })), "{text}");
        }
        for text in ["1y", "1 s", "1S", "1.5s"] {
            assert!(matches!(parse(text, DAY), Err(InvalidDuration::Unit { .. })), "{text}");
        }
        for text in ["25h", "86400001ms", "99999999999999999999s", "18446744073709551615w"] {
            assert!(matches!(parse(text, DAY), Err(InvalidDuration::TooLong { .. })), "{text}");
        }
    }
}
