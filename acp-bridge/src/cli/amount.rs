//! Ages and sizes as a person writes them, and back.

use std::time::Duration;

use acp_types::duration::{self, InvalidDuration};

/// Longest time that something may take.
const DAY: Duration = Duration::from_secs(86_400);

/// Longest age: a hundred years.
const MAX_AGE: Duration = Duration::from_secs(100 * 365 * 86_400);

/// `10s`, `500ms`, `2m`.
pub(super) fn duration(text: &str) -> Result<Duration, InvalidDuration> {
    duration::parse(text, DAY)
}

/// `30d`, `12h`, `90m`, `10s`; also `2w`.
pub(super) fn age(text: &str) -> Result<Duration, InvalidDuration> {
    duration::parse(text, MAX_AGE)
}

/// `1GiB`, `500MB`, `64KiB`; a bare number is bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text).ok_or_else(|| format!("{text:?} is no size; write 1GiB, 500MB or a number"))?;
    let scale: u64 = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(format!("{text:?} has no unit that is known; write 1GiB, 500MB or a number")),
    };
    number.checked_mul(scale).ok_or_else(|| format!("{text:?} is more than can be counted"))
}

/// Bytes in a unit in which the number is short.
pub(super) fn bytes(count: u64) -> String {
    for (scale, unit) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if count >= scale {
            return format!("{}.{} {unit}", count / scale, count % scale * 10 / scale);
        }
    }
    format!("{count} B")
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_may_be_longer_than_a_duration_and_has_an_end() {
        assert_eq!(age("30d"), Ok(Duration::from_secs(30 * 86_400)));
        assert_eq!(duration("24h"), Ok(DAY));
        assert!(duration("30d").is_err() && age("99999999999d").is_err());
    }

    #[test]
    fn a_size_is_in_bytes_or_in_a_unit() {
        assert_eq!(size("1GiB"), Ok(1 << 30));
        assert_eq!(size("500MB"), Ok(500_000_000));
        assert_eq!(size("17"), Ok(17));
        for wrong in ["", "GiB", "1 GiB", "1gib", "1.5GiB", "99999999TiB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn bytes_are_shown_in_a_unit_in_which_they_are_short() {
        let shown = [0, 1023, 1024, 1536, 5 << 20, u64::MAX].map(bytes);
        assert_eq!(shown, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "5.0 MiB", "17179869183.9 GiB"]);
    }
}
