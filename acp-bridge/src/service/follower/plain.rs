//! Records that need not be looked back for. Pure.

use acp_types::record::{Record, Seq};

/// Tells whether a record may hold something that a view of the session looks back for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LookedFor(pub(crate) fn(&Record) -> bool);

impl Default for LookedFor {
    /// Test that any record passes.
    fn default() -> Self {
        Self(|_| true)
    }
}

/// A stretch of a log, behind one record up to another, in which no record holds what is looked back for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PlainStretch {
    after: Seq,
    upto: Seq,
}

impl PlainStretch {
    /// Passes the next record that is read. One that does not follow on the stretch begins a new one.
    pub(super) fn pass(&mut self, seq: Seq, plain: bool) {
        *self = match plain {
            true if seq == self.upto + 1 => Self { upto: seq, ..*self },
            true => Self { after: seq - 1, upto: seq },
            false => Self { after: seq, upto: seq },
        };
    }

    /// Returns whether every record behind `after` up to `upto` is known to be plain.
    pub(super) fn covers(&self, after: Seq, upto: Seq) -> bool {
        after >= upto || self.after <= after && upto <= self.upto
    }

    /// Joins a stretch that somebody has looked at: every record behind `after` up to `upto` is plain. Of two with a
    /// gap between them the later one stays.
    pub(super) fn join(&mut self, after: Seq, upto: Seq) {
        if after <= self.upto && self.after <= upto {
            *self = Self { after: self.after.min(after), upto: self.upto.max(upto) };
        } else if upto > self.upto {
            *self = Self { after, upto };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PlainStretch;

    #[test]
    fn a_stretch_grows_with_plain_records_and_begins_anew_behind_any_other() {
        let mut stretch = PlainStretch::default();
        (1..=5).for_each(|seq| stretch.pass(seq, true));
        assert!(stretch.covers(0, 5) && stretch.covers(2, 4) && stretch.covers(9, 9));
        assert!(!stretch.covers(0, 6) && !stretch.covers(5, 6));
        stretch.pass(6, false);
        assert!(!stretch.covers(0, 5) && !stretch.covers(5, 6) && stretch.covers(6, 6));
        stretch.pass(7, true);
        assert!(stretch.covers(6, 7) && !stretch.covers(5, 7));
        stretch.pass(9, true);
        assert!(stretch.covers(8, 9) && !stretch.covers(6, 9), "nobody knows of what lies between");
    }

    #[test]
    fn what_somebody_has_looked_at_is_joined_on_either_side() {
        let mut stretch = PlainStretch { after: 10, upto: 20 };
        stretch.join(20, 25);
        stretch.join(5, 10);
        assert_eq!(stretch, PlainStretch { after: 5, upto: 25 });
        stretch.join(6, 7);
        assert_eq!(stretch, PlainStretch { after: 5, upto: 25 });
        stretch.join(1, 3);
        assert_eq!(stretch, PlainStretch { after: 5, upto: 25 }, "the later one stays");
        stretch.join(30, 40);
        assert_eq!(stretch, PlainStretch { after: 30, upto: 40 });
    }
}
