//! Messages between a guard and its owner.

use crate::transport::child::ExitReport;

/// From the owner: SIGTERM to the child's group.
pub(crate) const TERMINATE: u8 = b'T';
/// From the owner: SIGKILL to everything below the guard.
pub(crate) const KILL: u8 = b'K';

/// From the guard, one per line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// The program runs as this process.
    Started(u32),
    /// The program does not run; the system's error number.
    Failed(i32),
    /// The program has ended and nothing that it started is left.
    Exited(ExitReport),
}

impl Report {
    pub(super) fn line(self) -> String {
        match self {
            Self::Started(pid) => format!("P{pid}\n"),
            Self::Failed(errno) => format!("E{errno}\n"),
            Self::Exited(ExitReport { code: Some(code), .. }) => format!("X{code}\n"),
            Self::Exited(ExitReport { signal, .. }) => format!("S{}\n", signal.unwrap_or_default()),
        }
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let (kind, number) = std::str::from_utf8(line).ok()?.split_at_checked(1)?;
        Some(match kind {
            "P" => Self::Started(number.parse().ok()?),
            "E" => Self::Failed(number.parse().ok()?),
            "X" => Self::Exited(ExitReport { code: Some(number.parse().ok()?), signal: None }),
            "S" => Self::Exited(ExitReport { code: None, signal: Some(number.parse().ok()?) }),
            _ => return None,
        })
    }
}

/// Puts reports together from what was read.
#[derive(Debug, Default)]
pub(crate) struct ReportReader(Vec<u8>);

impl ReportReader {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn next(&mut self) -> Option<Report> {
        let end = memchr::memchr(b'\n', &self.0)?;
        let report = Report::parse(&self.0[..end]);
        self.0.drain(..=end);
        report
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, ReportReader};
    use crate::transport::child::ExitReport;

    #[test]
    fn reports_survive_the_wire_in_any_pieces() {
        let reports = [
            Report::Started(4711),
            Report::Failed(2),
            Report::Exited(ExitReport { code: Some(3), signal: None }),
            Report::Exited(ExitReport { code: None, signal: Some(9) }),
        ];
        let mut reader = ReportReader::default();
        let mut seen = Vec::new();
        for byte in reports.iter().flat_map(|report| report.line().into_bytes()) {
            reader.push(&[byte]);
            seen.extend(reader.next());
        }
        assert_eq!(seen, reports);
    }
}
