//! Exports that are taken in by another log, and those that are not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use crate::support::{Dice, claim, create, created, read_all, record, updates, with_body};
use acp_bridge::archive::{self, Export, ImportError, LineError};
use acp_bridge::log::{
    Durability, Filter, LogView, LogWriter, OpenError, SessionInfo, SessionLog, SqliteLog, SqliteView,
};
use acp_types::record::{Kind, Origin, Record, Seq};
use acp_types::{RawBuf, SessionId};

/// When sessions are imported: after everything in them, but for what is made to be odd.
const NOW: u64 = 1 << 60;

async fn open(path: &Path) -> SqliteLog {
    SqliteLog::open(path, Durability::Os).await.unwrap()
}

/// A session with everything that an export may spoil, in two epochs, with an open turn.
async fn fill(log: &SqliteLog) -> SessionId {
    let id = SessionId::from("söme/id with \"quotes\"");
    let mut title = RawBuf::parse(r#"{"title":"Tidy ü"}"#).unwrap();
    create(log, &id, vec![created("/work"), with_body(2, 1, Kind::SessionUpdated, title)]).await.unwrap();
    log.append(&id, updates(3..=30)).await.unwrap();
    claim(log, &id).await.unwrap();
    claim(log, &id).await.unwrap();
    title = RawBuf::encode(&serde_json::json!({ "key": "k", "params": { "sessionId": id, "prompt": [] } })).unwrap();
    let prompt = with_body(31, 3, Kind::PromptQueued, title);
    let started = with_body(32, 3, Kind::TurnStarted, RawBuf::parse("{}").unwrap());
    let odd = "{ \"z\":1e2,\"a\" : [123456789012345678901234567890,\"\\u00e9\u{1F600}\\n\\ud800\"] }";
    let odd = Record {
        at: u64::MAX,
        lane: "second \"lane\"".into(),
        origin: Origin::Client("client one".into()),
        turn: Some(u64::MAX),
        position: Some(u64::MAX),
        ..Record::clone(&with_body(33, 3, Kind::from("of_a_later_version"), RawBuf::parse(odd).unwrap()))
    };
    let large = with_body(34, 3, Kind::Update, RawBuf::encode(&"x".repeat(3_000_000)).unwrap());
    let started = Record { turn: Some(31), ..Record::clone(&started) };
    log.append(&id, vec![prompt, Arc::new(started), Arc::new(odd), large]).await.unwrap();
    let last: Vec<_> = (35..=60).map(|seq| record(seq, 3, Kind::Update)).collect();
    log.append(&id, last).await.unwrap();
    id
}

async fn export(path: &Path, id: &SessionId) -> Vec<u8> {
    let view = SqliteView::open(path).unwrap();
    let mut export = Export::begin(&view, id, 0).await.unwrap();
    let mut text = Vec::new();
    while let Some(page) = export.next().await.unwrap() {
        text.extend(page);
    }
    text
}

async fn contents(path: &Path, id: &SessionId) -> (SessionInfo, Vec<Arc<Record>>, Vec<Arc<Record>>) {
    let log = open(path).await;
    let info = log.get(id).await.unwrap().unwrap();
    let records = read_all(&log, id, info.oldest, Filter::All).await.unwrap();
    let control = read_all(&log, id, 0, Filter::Control).await.unwrap();
    log.shutdown().await;
    SqliteLog::check(path).unwrap();
    (info, records, control)
}

async fn sessions(path: &Path) -> Vec<SessionInfo> {
    let log = open(path).await;
    let sessions = log.list(Default::default()).await.unwrap();
    log.shutdown().await;
    sessions
}

fn refusal(path: &Path, text: &[u8]) -> (u64, LineError) {
    match archive::import(path, text, None, NOW) {
        Err(ImportError::Line { line, error }) => (line, error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_imported_session_is_the_one_that_was_exported_trimmed_or_not() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from.db"), directory.path().join("to.db"));
    let log = open(&from).await;
    let id = fill(&log).await;
    for oldest in [0, 20, 32, 50, 60] {
        log.trim(&id, oldest).await.unwrap();
        // The log is open, as it is while a bridge runs.
        let text = export(&from, &id).await;
        let imported = archive::import(&to, &*text, None, NOW).unwrap();
        let info = log.get(&id).await.unwrap().unwrap();
        let (found, records, control) = contents(&to, &id).await;
        assert_eq!(imported.session, found);
        let mut expected = info.clone();
        (expected.head, expected.updated_at) = (info.head + 1, NOW);
        assert_eq!(found, expected, "it has one record more");
        let last = Arc::new(imported.record);
        assert_eq!((last.seq, &last.kind, &last.origin), (61, &Kind::SessionDisarmed, &Origin::Host));
        let original = read_all(&log, &id, info.oldest, Filter::All).await.unwrap();
        assert_eq!(records, [original, vec![Arc::clone(&last)]].concat());
        let original = read_all(&log, &id, 0, Filter::Control).await.unwrap();
        assert_eq!(control, [original, vec![last]].concat());
        let lines = |text: &[u8]| text.split(|byte| *byte == b'\n').skip(1).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (again, before) = (lines(&export(&to, &id).await), lines(&text));
        assert_eq!(again[..before.len() - 1], before[..before.len() - 1], "an export of it is the same but for that");
        let second = open(&to).await;
        assert_eq!(claim(&second, &id).await.unwrap().epoch, info.epoch + 1);
        second.append(&id, vec![record(62, info.epoch + 1, Kind::Update)]).await.unwrap();
        second.delete(&id).await.unwrap();
        second.shutdown().await;
    }
    log.shutdown().await;
}

#[tokio::test]
async fn a_new_id_is_put_where_clients_see_the_old_one_and_nowhere_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let log = open(&path).await;
    let id = SessionId::from("s");
    let body = |text: &str| RawBuf::parse(text).unwrap();
    let before = [
        (Kind::Update, r#"{ "sessionId" : "s", "update":{"sessionId":"s","n":1e2} }"#),
        (Kind::Update, r#"{"sessionId":"another","update":{}}"#),
        (Kind::PermissionRequested, r#"{"sessionId":"s","options":[]}"#),
        (Kind::Request, r#"{"method":"_ask","params":{"n":1, "sessionId":"s"}}"#),
        (Kind::Extension, r#"{"method":"_news"}"#),
        (Kind::PromptQueued, r#"{"key":"s","params":{"sessionId":"\u0073","prompt":[]}}"#),
        (Kind::AgentStarted, r#"{"agentSession":"s","start":"new","initialize":{},"state":{"sessionId":"s"}}"#),
    ];
    let after = [
        r#"{ "sessionId" : "t", "update":{"sessionId":"s","n":1e2} }"#,
        r#"{"sessionId":"another","update":{}}"#,
        r#"{"sessionId":"t","options":[]}"#,
        r#"{"method":"_ask","params":{"n":1, "sessionId":"t"}}"#,
        r#"{"method":"_news"}"#,
        r#"{"key":"s","params":{"sessionId":"t","prompt":[]}}"#,
        r#"{"agentSession":"s","start":"new","initialize":{},"state":{"sessionId":"s"}}"#,
    ];
    let mut records = vec![created("/work")];
    records.extend((2..).zip(&before).map(|(seq, (kind, text))| with_body(seq, 1, kind.clone(), body(text))));
    create(&log, &id, records.clone()).await.unwrap();
    log.shutdown().await;
    let text = export(&path, &id).await;
    let twice = archive::import(&path, &*text, None, NOW).unwrap_err();
    assert!(matches!(&twice, ImportError::Exists { session, .. } if *session == id), "{twice:?}");
    assert!(twice.to_string().contains("--new-id"), "{twice}");
    archive::import(&path, &*text, Some("t".into()), NOW).unwrap();
    let (info, copy, _) = contents(&path, &"t".into()).await;
    let bodies: Vec<&str> = copy[1..copy.len() - 1].iter().map(|record| record.body.as_str()).collect();
    assert_eq!(bodies, after);
    let weight: u64 = copy.iter().filter(|r| !r.kind.is_control()).map(|record| record.weight() as u64).sum();
    assert_eq!(info.bytes, weight);
    assert_eq!(contents(&path, &id).await.1, records, "the original is as it was");
}

#[tokio::test]
async fn a_line_break_in_a_body_becomes_a_blank() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from.db"), directory.path().join("to.db"));
    let log = open(&from).await;
    let id = SessionId::from("s");
    let pretty = RawBuf::parse("{\r\n  \"a\": \"b\\n\"\n}").unwrap();
    create(&log, &id, vec![created("/work"), with_body(2, 1, Kind::Update, pretty)]).await.unwrap();
    log.shutdown().await;
    archive::import(&to, &*export(&from, &id).await, None, NOW).unwrap();
    assert_eq!(contents(&to, &id).await.1[1].body.as_str(), "{    \"a\": \"b\\n\" }");
}

/// Every refusal with the line it names; nothing is left.
#[tokio::test]
async fn what_is_wrong_with_an_export_is_named_with_its_line_and_nothing_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from.db"), directory.path().join("to.db"));
    let log = open(&from).await;
    let id = fill(&log).await;
    log.trim(&id, 20).await.unwrap();
    log.shutdown().await;
    let text = String::from_utf8(export(&from, &id).await).unwrap();
    // Line 1 is the header; 2 and 3 are records 1 and 2; 4 is record 21.
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 2 + 40);
    let with = |line: usize, new: &str| {
        let mut lines = lines.clone();
        lines[line - 1] = new;
        lines.join("\n")
    };
    let edit = |line: usize, from: &str, to: &str| {
        assert!(lines[line - 1].contains(from), "{}", lines[line - 1]);
        with(line, &lines[line - 1].replacen(from, to, 1))
    };
    let without = |line: usize| [&lines[..line - 1], &lines[line..]].concat().join("\n");
    let twice = |line: usize| [&lines[..line], &lines[line - 1..]].concat().join("\n");
    let swapped = |line: usize| {
        let mut lines = lines.clone();
        lines.swap(line - 1, line);
        lines.join("\n")
    };
    let cases = [
        (String::new(), 1, "no export of a session"),
        ("{\"some\":\"json\"}\n".to_owned(), 1, "no export of a session"),
        (text[2..].to_owned(), 1, "no export of a session"),
        (edit(1, "\"acpBridgeExport\":1", "\"acpBridgeExport\":2"), 1, "update it"),
        (edit(1, "\"records\":42", "\"records\":42,\"after\":7"), 1, "without --after"),
        (edit(1, "\"epoch\":3", "\"epoch\":0"), 1, "epoch cannot be 0"),
        (edit(1, "\"head\":60", "\"head\":99999999999999"), 1, "head cannot be"),
        (edit(1, "\"oldest\":20", "\"oldest\":61"), 1, "oldest cannot be 61"),
        (edit(1, "\"epoch\":3", "\"epoch\":2"), 14, "from 1 to 2"),
        (edit(1, "\"oldest\":20", "\"oldest\":21"), 4, "were trimmed"),
        (edit(1, "\"oldest\":20", "\"oldest\":19"), 4, "seq 21 where 20 follows"),
        (edit(1, "\"cwd\":\"/work\"", "\"cwd\":\"/else\""), 44, "about cwd"),
        (edit(1, "Tidy", "Tiny"), 44, "about title"),
        (edit(1, "\"records\":42", "\"records\":41"), 43, "promises 41"),
        (edit(1, "\"records\":42", "\"records\":43"), 44, "ends after 42 of 43"),
        (without(2), 2, "seq 2 where 1 follows"),
        (without(4), 4, "seq 22 where 21 follows"),
        (without(30), 30, "follows"),
        (without(43), 43, "ends after 41 of 42"),
        (twice(2), 3, "seq 1 where"),
        (twice(30), 31, "follows"),
        (twice(43), 44, "promises 42"),
        (swapped(2), 2, "seq 2 where 1 follows"),
        (swapped(20), 20, "follows"),
        (swapped(1), 1, "no export of a session"),
        (with(20, ""), 20, "no record"),
        (with(20, "garbage"), 20, "no record"),
        (edit(20, "\"kind\"", "\"kin\""), 20, "no record"),
        (edit(20, "\"epoch\":3", "\"epoch\":1"), 20, "epoch 1"),
        (edit(15, "turn_started", "turn_ended"), 15, "record 32"),
        (edit(2, "session_created", "session_closed"), 2, "session_created"),
        (text[..text.len() / 2].to_owned(), 17, "no record"),
        (text[..text.len() - 5].to_owned(), 43, "no record"),
    ];
    for (text, line, words) in cases {
        let (at, error) = refusal(&to, text.as_bytes());
        assert!(error.to_string().contains(words), "line {at}: {error} (expected {words:?})");
        assert_eq!(at, line, "{error}");
        assert_eq!(if to.exists() { sessions(&to).await } else { Vec::new() }, []);
    }
    let not_text = [&text.as_bytes()[..text.len() - 20], b"\xff\xfe\n"].concat();
    assert_eq!(refusal(&to, &not_text).0, 43);
    archive::import(&to, text.as_bytes(), None, NOW).unwrap();
}

#[tokio::test]
async fn no_damage_to_an_export_gets_in_unless_it_is_still_a_session() {
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from.db"), directory.path().join("to.db"));
    let log = open(&from).await;
    let id = crate::support::session(&log, "s", 30).await;
    log.trim(&id, 9).await.unwrap();
    log.shutdown().await;
    let text = export(&from, &id).await;
    let mut dice = Dice(7);
    for _ in 0..300 {
        let mut damaged = text.clone();
        for _ in 0..=dice.roll(2) {
            let at = usize::try_from(dice.roll(damaged.len() as u64)).unwrap();
            match dice.roll(3) {
                0 => damaged[at] ^= 1 << dice.roll(8),
                1 => damaged.truncate(at),
                _ => drop(damaged.remove(at)),
            }
            if damaged.is_empty() {
                break;
            }
        }
        match archive::import(&to, &*damaged, None, NOW) {
            Err(ImportError::Line { .. }) => {}
            Ok(imported) => {
                let info = imported.session;
                // Such as a letter of a text. It reads as any session does.
                assert_eq!(contents(&to, &info.id).await.0, info);
                let log = open(&to).await;
                assert!(log.delete(&info.id).await.unwrap());
                log.shutdown().await;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!(sessions(&to).await, []);
}

#[tokio::test]
async fn an_import_that_ends_half_way_leaves_what_was_there_as_it_was() {
    struct Broken<'a>(&'a [u8]);
    impl std::io::Read for Broken<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(std::io::Error::other("the cable was pulled")),
                some => Ok(some),
            }
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from.db"), directory.path().join("to.db"));
    let log = open(&from).await;
    let id = fill(&log).await;
    log.shutdown().await;
    let there = open(&to).await;
    crate::support::session(&there, "there", 5).await;
    there.shutdown().await;
    let before = sessions(&to).await;
    let text = export(&from, &id).await;
    let half = std::io::BufReader::new(Broken(&text[..text.len() - 100]));
    let failed = archive::import(&to, half, None, NOW).unwrap_err();
    assert!(matches!(failed, ImportError::Read(_)), "{failed:?}");
    assert_eq!(sessions(&to).await, before);
    SqliteLog::check(&to).unwrap();
}

#[tokio::test]
async fn a_log_in_use_can_be_exported_from_and_neither_imported_into_nor_compacted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let log = open(&path).await;
    let id = fill(&log).await;
    let text = export(&path, &id).await;
    let refused = archive::import(&path, &*text, Some("t".into()), NOW).unwrap_err();
    assert!(matches!(refused, ImportError::Open(OpenError::Locked { .. })), "{refused:?}");
    let refused = SqliteLog::compact(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused:?}");
    log.shutdown().await;
}

#[tokio::test]
async fn compacting_gives_the_space_of_what_is_gone_back_and_changes_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    let log = open(&path).await;
    let body = RawBuf::encode(&"x".repeat(1000)).unwrap();
    for name in ["kept", "trimmed", "deleted"] {
        let mut records = vec![created("/work")];
        records.extend((2..=3000).map(|seq| with_body(seq, 1, Kind::Update, body.clone())));
        create(&log, &name.into(), records).await.unwrap();
    }
    log.trim(&"trimmed".into(), 2990).await.unwrap();
    log.delete(&"deleted".into()).await.unwrap();
    log.shutdown().await;
    let (kept, trimmed) = (contents(&path, &"kept".into()).await, contents(&path, &"trimmed".into()).await);
    let compacted = SqliteLog::compact(&path).unwrap();
    let size = std::fs::metadata(&path).unwrap().len();
    assert_eq!(compacted.after, size);
    assert!(compacted.before > 9_000_000 && size < 5_000_000, "{compacted:?}");
    assert_eq!(contents(&path, &"kept".into()).await, kept);
    assert_eq!(contents(&path, &"trimmed".into()).await, trimmed);
    assert_eq!(SqliteLog::compact(&path).unwrap().after, size, "again, nothing is gained");
    let missing = SqliteLog::compact(&directory.path().join("none.db")).unwrap_err();
    assert!(missing.to_string().contains("no such file"), "{missing}");
    assert!(!directory.path().join("none.db").exists());
}

#[tokio::test]
async fn a_view_says_of_an_older_log_how_to_bring_it_up_to_date_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log.db");
    std::fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/log-v1.db"), &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refused = SqliteView::open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::Older { found: 1, .. }), "{refused:?}");
    assert!(refused.to_string().contains("acp-bridge compact"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    SqliteLog::compact(&path).unwrap();
    let view = SqliteView::open(&path).unwrap();
    assert_eq!(view.list(Default::default()).await.unwrap().len(), 3);
    let text = export(&path, &"trimmed".into()).await;
    let seqs: Vec<Seq> = text
        .split(|byte| *byte == b'\n')
        .skip(1)
        .filter_map(|line| serde_json::from_slice::<Record>(line).ok().map(|record| record.seq))
        .collect();
    assert_eq!(seqs, [1, 21, 26, 27, 28, 29, 30]);
}
