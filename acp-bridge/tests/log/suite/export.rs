//! Exports of a log that goes on.

use std::sync::Arc;

use acp_bridge::archive::{Export, ExportError};
use acp_bridge::log::{Filter, LogError, SessionLog};
use acp_types::record::{Kind, Record};

use crate::suite::Log;
use crate::support::{read_all, record, seqs, session, updates};

suite! {
    an_export_has_what_the_log_has_up_to_the_head_at_which_it_began,
    an_export_from_a_cursor_has_what_came_after_it,
    an_export_of_a_session_that_is_trimmed_or_deleted_meanwhile_fails,
}

/// The rest of an export: its records, and the lines that it has.
async fn rest(export: &mut Export<'_, dyn SessionLog>) -> Result<(Vec<Arc<Record>>, usize), ExportError> {
    let mut text = Vec::new();
    while let Some(page) = export.next().await? {
        text.extend(page);
    }
    let text = String::from_utf8(text).unwrap();
    let records = text.lines().skip(1).map(|line| Arc::new(serde_json::from_str(line).unwrap())).collect();
    Ok((records, text.lines().count()))
}

async fn an_export_has_what_the_log_has_up_to_the_head_at_which_it_began(log: Log) {
    let id = session(&*log, "s", 20).await;
    log.append(&id, vec![record(21, 1, Kind::PromptQueued)]).await.unwrap();
    log.append(&id, updates(22..=3000)).await.unwrap();
    for oldest in [0, 25, 3000] {
        log.trim(&id, oldest).await.unwrap();
        let mut expected = read_all(&*log, &id, 0, Filter::Control).await.unwrap();
        expected.retain(|record| record.seq <= oldest);
        expected.extend(read_all(&*log, &id, oldest, Filter::All).await.unwrap());
        let info = log.get(&id).await.unwrap().unwrap();
        let mut export = Export::begin(&*log, &id, 0).await.unwrap();
        log.append(&id, updates(info.head + 1..=info.head + 10)).await.unwrap();
        let (records, lines) = rest(&mut export).await.unwrap();
        expected.retain(|record| record.seq <= info.head);
        assert_eq!(records, expected, "trimmed through {oldest}");
        let header = export.header();
        assert_eq!((header.records + 1, header.head, header.oldest), (lines as u64, info.head, oldest));
    }
}

async fn an_export_from_a_cursor_has_what_came_after_it(log: Log) {
    let id = session(&*log, "s", 100).await;
    log.trim(&id, 40).await.unwrap();
    let mut export = Export::begin(&*log, &id, 60).await.unwrap();
    let (records, _) = rest(&mut export).await.unwrap();
    assert_eq!(seqs(&records), (61..=100).collect::<Vec<_>>());
    assert_eq!(rest(&mut Export::begin(&*log, &id, 100).await.unwrap()).await.unwrap().0, []);
    let early = Export::begin(&*log, &id, 39).await.unwrap_err();
    assert_eq!(early, ExportError::Log(LogError::Trimmed { after: 39, oldest: 40 }));
    let late = Export::begin(&*log, &id, 101).await.unwrap_err();
    assert_eq!(late, ExportError::Log(LogError::BeyondHead { after: 101, head: 100 }));
    let unknown = Export::begin(&*log, &"other".into(), 0).await.unwrap_err();
    assert_eq!(unknown, ExportError::Log(LogError::NotFound { session: "other".into() }));
}

async fn an_export_of_a_session_that_is_trimmed_or_deleted_meanwhile_fails(log: Log) {
    let id = session(&*log, "s", 100).await;
    let changed = ExportError::Changed { session: id.clone() };
    let mut export = Export::begin(&*log, &id, 0).await.unwrap();
    log.trim(&id, 50).await.unwrap();
    assert_eq!(rest(&mut export).await, Err(changed.clone()));
    let mut export = Export::begin(&*log, &id, 0).await.unwrap();
    log.delete(&id).await.unwrap();
    assert_eq!(rest(&mut export).await, Err(changed.clone()));
    session(&*log, "s", 100).await;
    let mut export = Export::begin(&*log, &id, 0).await.unwrap();
    log.delete(&id).await.unwrap();
    session(&*log, "s", 99).await;
    assert_eq!(rest(&mut export).await, Err(changed));
}
