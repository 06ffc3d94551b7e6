use std::sync::Arc;

use acp_types::record::{Kind, Origin, Record};
use acp_types::{Raw, RawBuf};
use proptest::prelude::*;

use super::{Coalescer, MAX_TEXT};

/// One update record as a host writes it; `update` is its `update` member.
fn record(seq: u64, turn: u64, update: &str) -> Arc<Record> {
    let body = format!(
        r#"{{"sessionId":"s","update":{update},"_meta":{{"acp-bridge":{{"seq":{seq},"at":{seq}00,"turn":{turn},"lane":"main"}}}}}}"#
    );
    Arc::new(Record {
        seq,
        at: seq * 100,
        epoch: 1,
        lane: Record::MAIN_LANE.into(),
        origin: Origin::Agent,
        kind: Kind::Update,
        turn: Some(turn),
        position: None,
        body: RawBuf::parse(body).unwrap(),
    })
}

fn chunk(kind: &str, message: Option<&str>, text: &str) -> String {
    let text = serde_json::to_string(text).unwrap();
    let message = message.map_or(String::new(), |id| format!(r#","messageId":"{id}""#));
    format!(r#"{{"sessionUpdate":"{kind}","content":{{"type":"text","text":{text}}}{message}}}"#)
}

fn coalesce(records: &[Arc<Record>]) -> Vec<RawBuf> {
    let (mut coalescer, mut out) = (Coalescer::default(), Vec::new());
    for record in records {
        coalescer.push(record, &mut out);
    }
    coalescer.flush(&mut out);
    out
}

fn seq(params: &RawBuf) -> u64 {
    params.as_raw().path(&["_meta", "acp-bridge", "seq"]).and_then(Raw::as_u64).unwrap()
}

fn text(params: &RawBuf) -> String {
    let text = params.as_raw().path(&["update", "content", "text"]).and_then(Raw::as_string);
    text.unwrap_or_default().into_owned()
}

#[test]
fn adjacent_chunks_of_a_message_are_joined_under_the_last_seq() {
    let records: Vec<_> = ["a", "\"b\"", "c\n"]
        .iter()
        .zip(3..)
        .map(|(t, n)| record(n, 1, &chunk("agent_message_chunk", None, t)))
        .collect();
    let out = coalesce(&records);
    assert_eq!(out.len(), 1);
    assert_eq!(text(&out[0]), "a\"b\"c\n");
    assert_eq!(seq(&out[0]), 5);
    assert_eq!(out[0].as_raw().path(&["_meta", "acp-bridge", "at"]).and_then(Raw::as_u64), Some(500));
}

#[test]
fn a_lone_chunk_keeps_its_bytes() {
    let odd = record(1, 1, r#"{ "content":{"text":"\u0061","type":"text"},"sessionUpdate":"agent_message_chunk"}"#);
    assert_eq!(coalesce(std::slice::from_ref(&odd)), std::slice::from_ref(&odd.body));
}

#[test]
fn what_is_not_plainly_the_same_message_is_left_apart() {
    let base = chunk("agent_message_chunk", Some("m"), "x");
    for other in [
        chunk("agent_thought_chunk", Some("m"), "y"),
        chunk("agent_message_chunk", Some("n"), "y"),
        chunk("agent_message_chunk", None, "y"),
        r#"{"sessionUpdate":"agent_message_chunk","messageId":"m","content":{"type":"text","text":"y"},"_meta":{}}"#.into(),
        r#"{"sessionUpdate":"agent_message_chunk","messageId":"m","content":{"type":"text","text":"y","annotations":null}}"#
            .into(),
        r#"{"sessionUpdate":"agent_message_chunk","messageId":"m","content":{"type":"image","text":"y"}}"#.into(),
        r#"{"sessionUpdate":"tool_call","toolCallId":"t"}"#.into(),
        r#"{"sessionUpdate":"agent_message_chunk","messageId":"m","content":{"type":"text","text":7}}"#.into(),
        r#"{"sessionUpdate":"agent_message_chunk","messageId":"m","content":{"type":"text","text":"y","text":"z"}}"#.into(),
    ] {
        let records = [record(1, 1, &base), record(2, 1, &other), record(3, 1, &base)];
        let bodies: Vec<_> = records.iter().map(|r| r.body.clone()).collect();
        assert_eq!(coalesce(&records), bodies, "{other}");
    }
    let turns = [record(1, 1, &base), record(2, 2, &base)];
    assert_eq!(coalesce(&turns).len(), 2, "chunks of two turns");
}

#[test]
fn a_long_message_comes_in_bounded_parts() {
    let part = "x".repeat(MAX_TEXT / 4 + 1);
    let records: Vec<_> = (1..=7).map(|n| record(n, 1, &chunk("agent_message_chunk", None, &part))).collect();
    let out = coalesce(&records);
    assert_eq!(out.iter().map(seq).collect::<Vec<_>>(), [3, 6, 7]);
    assert!(out.iter().all(|params| text(params).len() <= MAX_TEXT));
}

#[test]
fn halves_of_a_surrogate_pair_meet_again() {
    let half = |n, t| {
        record(n, 1, &format!(r#"{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{t}"}}}}"#))
    };
    let out = coalesce(&[half(1, r"\ud83d"), half(2, r"\ude00")]);
    assert_eq!(text(&out[0]), "\u{1f600}");
}

fn update() -> impl Strategy<Value = String> {
    let message = prop_oneof![Just(None), Just(Some("m")), Just(Some("n"))];
    let kind = prop_oneof![Just("agent_message_chunk"), Just("agent_thought_chunk"), Just("user_message_chunk")];
    prop_oneof![
        8 => (kind, message, ".{0,12}").prop_map(|(kind, message, text)| chunk(kind, message, &text)),
        1 => Just(r#"{"sessionUpdate":"tool_call","toolCallId":"t"}"#.to_owned()),
    ]
}

proptest! {
    #[test]
    fn text_is_neither_lost_nor_doubled_nor_moved_and_every_carried_seq_is_a_cursor(
        updates in prop::collection::vec((update(), 1u64..3), 0..60)
    ) {
        let records: Vec<_> =
            updates.iter().zip(1..).map(|((update, turn), seq)| record(seq, *turn, update)).collect();
        let out = coalesce(&records);
        let mut rest = records.iter().peekable();
        for params in &out {
            // The records that this one stands for: all up to the seq it carries.
            let mut covered = String::new();
            let mut count = 0;
            while let Some(record) = rest.next_if(|record| record.seq <= seq(params)) {
                covered.push_str(&text(&record.body));
                count += 1;
            }
            prop_assert!(count > 0);
            prop_assert_eq!(text(params), covered);
            let again = coalesce(&records[usize::try_from(seq(params)).unwrap()..]);
            let said: String = again.iter().map(text).collect();
            let missed: String = rest.clone().map(|record| text(&record.body)).collect();
            prop_assert_eq!(said, missed, "a resume from the carried seq gives exactly the rest");
        }
        prop_assert!(rest.next().is_none());
    }
}
