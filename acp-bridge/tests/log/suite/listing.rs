//! Which sessions there are, and what is known of each.

use acp_bridge::log::{ListQuery, SessionInfo};
use acp_types::record::Kind;
use acp_types::{RawBuf, SessionId};

use crate::suite::Log;
use crate::support::{create, created, record, session, updates, with_body};

suite! {
    a_listing_goes_from_the_newest_and_stays_in_place_while_sessions_are_added,
    a_listing_can_be_of_one_working_directory,
    a_listing_finds_a_directory_however_it_is_written,
    a_session_is_described_by_its_records,
}

fn ids(sessions: &[SessionInfo]) -> Vec<&str> {
    sessions.iter().map(|info| info.id.as_str()).collect()
}

async fn a_listing_goes_from_the_newest_and_stays_in_place_while_sessions_are_added(log: Log) {
    for n in 0..7 {
        session(&*log, &format!("s{n}"), 1).await;
    }
    // Being written to changes no place.
    log.append(&"s1".into(), updates(2..=2)).await.unwrap();
    let page = |after: Option<&str>| ListQuery { cwd: None, after: after.map(SessionId::from), limit: 3 };
    let first = log.list(page(None)).await.unwrap();
    assert_eq!(ids(&first), ["s6", "s5", "s4"]);
    session(&*log, "s7", 1).await;
    log.delete(&"s3".into()).await.unwrap();
    let second = log.list(page(Some("s4"))).await.unwrap();
    assert_eq!(ids(&second), ["s2", "s1", "s0"]);
    assert_eq!(second[1].head, 2);
    assert_eq!(log.list(page(Some("s0"))).await, Ok(Vec::new()));
    assert_eq!(log.list(ListQuery::default()).await.unwrap().len(), 7);
}

async fn a_listing_can_be_of_one_working_directory(log: Log) {
    for (id, cwd) in [("a", "/one"), ("b", "/two"), ("c", "/one"), ("d", "/one/deeper")] {
        create(&*log, &id.into(), vec![created(cwd)]).await.unwrap();
    }
    let query = ListQuery { cwd: Some("/one".to_owned()), ..ListQuery::default() };
    assert_eq!(ids(&log.list(query).await.unwrap()), ["c", "a"]);
    let query = ListQuery { cwd: Some("/one".to_owned()), after: Some("c".into()), limit: 1 };
    assert_eq!(ids(&log.list(query).await.unwrap()), ["a"]);
}

async fn a_listing_finds_a_directory_however_it_is_written(log: Log) {
    let place = tempfile::tempdir().unwrap();
    let place = place.path().to_str().unwrap();
    std::fs::create_dir(format!("{place}/real")).unwrap();
    std::os::unix::fs::symlink(format!("{place}/real"), format!("{place}/link")).unwrap();
    let given = [format!("{place}/real"), format!("{place}/link/"), format!("{place}//./real")];
    for (id, cwd) in ["a", "b", "c"].into_iter().zip(&given) {
        create(&*log, &id.into(), vec![created(cwd)]).await.unwrap();
    }
    create(&*log, &"d".into(), vec![created(place)]).await.unwrap();
    for cwd in &given {
        let query = ListQuery { cwd: Some(cwd.clone()), ..ListQuery::default() };
        let found = log.list(query).await.unwrap();
        assert_eq!(ids(&found), ["c", "b", "a"], "{cwd}");
        assert!(found.iter().rev().map(|info| &info.cwd).eq(&given), "what was given is shown");
    }
}

async fn a_session_is_described_by_its_records(log: Log) {
    let id = session(&*log, "s", 1).await;
    let title = |seq, title: &str| {
        with_body(seq, 1, Kind::SessionUpdated, RawBuf::encode(&serde_json::json!({ "title": title })).unwrap())
    };
    let mut expected = SessionInfo::new(id.clone());
    let mut records = vec![created("/work")];
    records.extend([title(2, "a title"), record(3, 1, Kind::PromptQueued), record(4, 1, Kind::PromptQueued)]);
    records.extend([record(5, 1, Kind::TurnEnded), record(6, 1, Kind::SessionUpdated), record(7, 1, Kind::Update)]);
    for record in &records {
        expected.apply(record);
    }
    log.append(&id, records[1..].to_vec()).await.unwrap();
    let info = log.get(&id).await.unwrap().unwrap();
    assert_eq!(info, expected);
    assert_eq!((info.title.as_deref(), info.open_turns, info.cwd.as_str()), (Some("a title"), 1, "/work"));
    assert_eq!((info.created_at, info.updated_at), (records[0].at, records[6].at));
    log.append(&id, vec![title(8, "")]).await.unwrap();
    assert_eq!(log.get(&id).await.unwrap().unwrap().title, None);
}
