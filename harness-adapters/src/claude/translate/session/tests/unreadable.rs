//! Messages of the program that cannot be read.

use acp_types::RawBuf;
use serde_json::json;

use super::{Input, Peer, Session, Translator, answers, control, result};

#[test]
fn half_a_surrogate_pair_hides_neither_text_nor_the_end_of_a_turn() {
    let mut peer = Peer::new();
    let (_, uuid) = peer.prompt();
    let line = format!(
        r#"{{"type":"assistant","message":{{"id":"m","content":[{{"type":"text","text":"a\ud83d"}}]}},"uuid":"{uuid}"}}"#
    );
    let effects = peer.step(Input::Native(RawBuf::parse(line).expect("JSON")));
    assert_eq!(effects[0]["update"]["content"]["text"], "a\u{fffd}");
    let line = format!(
        r#"{{"type":"result","subtype":"success","result":"a\ud83d","terminal_reason":"completed","user_message_uuids":["{uuid}"]}}"#
    );
    let effects = peer.step(Input::Native(RawBuf::parse(line).expect("JSON")));
    assert_eq!(answers(&effects)[0]["answer"]["ok"]["prompt"]["stopReason"], "end_turn");
}

#[test]
fn a_turn_whose_end_cannot_be_read_ends_with_an_error_and_the_next_can_be_stopped() {
    for line in ["broken", "parts"] {
        let mut peer = Peer::new();
        let (_, uuid) = peer.prompt();
        let effects = match line {
            "parts" => {
                let mut end = result(&uuid);
                end["usage"] = json!("brand new");
                peer.native(&end)
            }
            _ => {
                let stands = Session::unreadable(r#"{"type":"result","result":"cut of"#).expect("a message");
                peer.step(Input::Native(stands))
            }
        };
        assert_eq!(answers(&effects)[0]["answer"]["error"]["kind"], "harness", "{effects:?}");
        let told = effects.iter().any(|effect| effect["update"]["sessionUpdate"] == "agent_thought_chunk");
        assert!(told, "{effects:?}");
        let (id, uuid) = peer.prompt();
        let effects = peer.step(Input::Cancel { id });
        control(&effects, "interrupt");
        let effects = peer.native(&result(&uuid));
        assert_eq!(answers(&effects)[0]["answer"]["ok"]["prompt"]["stopReason"], "cancelled");
    }
}

#[test]
fn a_line_that_may_be_anything_is_told_and_ends_no_turn() {
    let mut peer = Peer::new();
    peer.prompt();
    let stands = Session::unreadable("Segmentation fault").expect("a message");
    let effects = peer.step(Input::Native(stands));
    assert_eq!(effects[0]["update"]["sessionUpdate"], "agent_thought_chunk", "{effects:?}");
    assert!(answers(&effects).is_empty());
}

#[test]
fn whoever_waits_for_an_answer_gets_one() {
    let mut peer = Peer::new();
    let effects = peer.native(&json!({ "type": "control_request", "request_id": "q", "request": 7 }));
    assert_eq!(effects[1]["send"]["response"]["subtype"], "error", "{effects:?}");
    let (_, effects) = peer.ask(super::Request::SetMode("plan".into()));
    let id = control(&effects, "set_permission_mode").to_owned();
    let effects = peer.native(&json!({ "type": "control_response", "response": { "request_id": id, "subtype": 7 } }));
    assert_eq!(answers(&effects)[0]["answer"]["error"]["kind"], "invalid_params", "{effects:?}");
}
