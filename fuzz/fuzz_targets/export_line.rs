//! Exports of any shape: taking one in never panics, what it hands out is what the line said, and a session that it
//! accepts has the head and the records that its header promised, and one more.
#![no_main]

use acp_bridge::archive::{Header, Intake};
use acp_types::record::{Kind, Record};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    for new_id in [None, Some("another".into())] {
        let keeps_id = new_id.is_none();
        let Ok(mut intake) = Intake::begin(first, new_id) else { return };
        let header: Header = serde_json::from_slice(first).expect("it was taken for a header");
        let (mut head, mut count) = (0, 0);
        let whole = lines.clone().filter(|line| !line.is_empty()).all(|line| {
            let Ok(record) = intake.record(line) else { return false };
            assert!(record.seq > head && record.seq <= header.head);
            (head, count) = (record.seq, count + 1);
            let has_definitions = matches!(record.kind, Kind::SessionCreated | Kind::AgentStarted);
            if keeps_id && !has_definitions {
                assert_eq!(record, serde_json::from_slice::<Record>(line).expect("it was taken for a record"));
            }
            true
        });
        if whole && let Ok(imported) = intake.finish(1) {
            let info = imported.session;
            assert_eq!((info.head, info.oldest, info.epoch), (header.head + 1, header.oldest, header.epoch));
            assert_eq!(count, header.records);
        }
    }
});
