//! Big records that were read lately: a session that many clients come to at once is read once and not for each.
//!
//! Records never change, so one that is here is as good as the row. What nobody has asked for is let go of with the idle
//! connections.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use acp_types::record::Record;

use crate::shared::BIG;

/// Bytes of all that is kept; the newest record is kept whatever its size.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// By the record's key.
#[derive(Debug, Default)]
pub(super) struct BigRecords(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    records: VecDeque<(i64, Arc<Record>)>,
    bytes: usize,
    /// True if one was asked for since the last sweep.
    used: bool,
}

impl BigRecords {
    /// The record of this key. Its time and epoch tell it from one of a deleted session, whose number may be used again.
    pub(super) fn get(&self, key: i64, at: u64, epoch: u64) -> Option<Arc<Record>> {
        let mut kept = self.lock();
        let (_, found) = kept.records.iter().find(|(known, _)| *known == key)?;
        let found = Some(Arc::clone(found)).filter(|record| (record.at, record.epoch) == (at, epoch));
        kept.used |= found.is_some();
        found
    }

    /// Keeps a record that was read, if it is big.
    pub(super) fn put(&self, key: i64, record: &Arc<Record>) {
        if record.weight() < BIG {
            return;
        }
        let mut kept = self.lock();
        kept.records.retain(|(known, _)| *known != key);
        kept.records.push_back((key, Arc::clone(record)));
        kept.used = true;
        kept.bytes = kept.records.iter().map(|(_, record)| record.weight()).sum();
        while kept.bytes > MAX_BYTES && kept.records.len() > 1 {
            if let Some((_, oldest)) = kept.records.pop_front() {
                kept.bytes -= oldest.weight();
            }
        }
    }

    /// Lets go of all when none was asked for since the last time.
    pub(super) fn sweep(&self) {
        let mut kept = self.lock();
        if !std::mem::take(&mut kept.used) {
            *kept = Kept::default();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use acp_types::RawBuf;
    use acp_types::record::{Kind, Origin, Record};

    use super::{BIG, BigRecords, MAX_BYTES};

    fn record(at: u64, bytes: usize) -> Arc<Record> {
        Arc::new(Record {
            seq: 1,
            at,
            epoch: 1,
            lane: "main".into(),
            origin: Origin::Agent,
            kind: Kind::Update,
            turn: None,
            position: None,
            body: RawBuf::encode(&"x".repeat(bytes)).unwrap(),
        })
    }

    #[test]
    fn the_newest_big_records_are_kept_until_nobody_asks() {
        let kept = BigRecords::default();
        kept.put(1, &record(1, 10));
        assert!(kept.get(1, 1, 1).is_none(), "it is small");
        for key in 2..=6 {
            kept.put(key, &record(1, MAX_BYTES / 4));
        }
        assert!(kept.get(2, 1, 1).is_none() && kept.get(6, 1, 1).is_some());
        assert!(kept.get(6, 2, 1).is_none(), "another session's record had that key");
        kept.sweep();
        assert!(kept.get(6, 1, 1).is_some());
        kept.sweep();
        kept.sweep();
        assert!(kept.get(6, 1, 1).is_none());
        kept.put(7, &record(1, 2 * MAX_BYTES));
        assert!(kept.get(7, 1, 1).is_some() && BIG < MAX_BYTES);
    }
}
