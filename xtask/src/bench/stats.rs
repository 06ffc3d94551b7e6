//! Medians and how they are written.

/// The middle of several runs.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `123.4k`.
pub(super) fn per_second(value: f64) -> String {
    format!("{:.1}k/s", value / 1000.0)
}

/// Microseconds or, from 1,000 of them, milliseconds.
pub(super) fn time(micros: f64) -> String {
    if micros < 1000.0 { format!("{micros:.0} us") } else { format!("{:.2} ms", micros / 1000.0) }
}

/// `12.3 MB`.
pub(super) fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_see_an_outlier() {
        assert_eq!(median(vec![3.0, 1000.0, 1.0, 2.0, 4.0]), 3.0);
    }

    #[test]
    fn figures_are_written_with_their_unit() {
        assert_eq!(per_second(123_456.0), "123.5k/s");
        assert_eq!(time(37.4), "37 us");
        assert_eq!(time(2500.0), "2.50 ms");
        assert_eq!(megabytes(12_340_000.0), "12.3 MB");
    }
}
