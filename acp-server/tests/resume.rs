//! A connection that goes on where another was cut off, and what tells how far that one had come.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use acp_server::proto::{Connection, Event, Limits, Refusal, RequestKey, Unfinished};
use acp_server::transport::memory;
use acp_server::{Config, resume, start};
use acp_types::{RawBuf, RequestId};
use bytes::Bytes;
use support::events;

fn receive(core: &mut Connection, line: &'static str) {
    core.receive(Bytes::from_static(line.as_bytes()));
}

#[test]
fn every_event_says_which_message_of_the_peer_it_came_with() {
    let mut core = Connection::new(Limits::default());
    for key in 1..=2 {
        core.request(RequestKey(key), "ask", None).unwrap();
    }
    receive(&mut core, r#"{"jsonrpc":"2.0","method":"a"}"#);
    receive(&mut core, "no message");
    core.refuse(Refusal::TooLarge { bytes: 1000, limit: 10, head: Bytes::new(), end: Bytes::new() });
    receive(&mut core, r#"{"jsonrpc":"2.0","method":"$/optional"}"#);
    receive(&mut core, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    receive(&mut core, r#"{"jsonrpc":"2.0","id":"x","method":"b"}"#);
    receive(&mut core, r#"{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":"x"}}"#);
    core.end_input(acp_server::proto::CloseReason::Peer);
    let mut ordinals = vec![];
    while let Some(event) = core.next_event() {
        ordinals.push(event.ordinal());
    }
    // The second request of ours fails with the end, which is no message.
    assert_eq!(ordinals, [Some(1), None, None, Some(5), Some(6), Some(7), None, None]);
}

#[test]
fn what_was_open_on_both_sides_still_is() {
    let unfinished = Unfinished::new(vec![RequestKey(7)], vec![RequestId::from(3), RequestId::string("x")]);
    let mut core = Connection::resume(Limits::default(), unfinished);
    assert_eq!((core.open_requests(), core.unanswered_requests()), (1, 2));
    receive(&mut core, r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    assert!(matches!(core.next_event(), Some(Event::Response { key: RequestKey(7), outcome: Ok(_), .. })));
    receive(&mut core, r#"{"jsonrpc":"2.0","id":"x","method":"again"}"#);
    assert!(matches!(core.next_event(), Some(Event::Rejected { .. })), "it was asked before");
    core.respond(&RequestId::string("x"), Ok(acp_types::Raw::NULL)).unwrap();
    core.respond(&RequestId::from(3), Ok(acp_types::Raw::NULL)).unwrap();
    assert_eq!((core.open_requests(), core.unanswered_requests()), (0, 0));
    receive(&mut core, r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
    assert!(matches!(core.next_event(), Some(Event::Stray { .. })), "one answer counts");
}

#[tokio::test]
async fn an_answer_to_the_connection_before_is_heard_and_new_requests_have_other_ids() {
    let (left, right) = memory::pair(4);
    let (peer, mut asked) = events(start(right, Config::default()));
    // It is there before the connection is.
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":"late"}"#;
    peer.frame(Bytes::from_static(answer.as_bytes())).await.unwrap();
    peer.flushed().await.unwrap();

    let mut config = Config::default();
    config.first_request = 1 << 32;
    let unfinished = Unfinished::new(vec![RequestKey(1)], vec![RequestId::from(5)]);
    let (client, mut heard) = events(resume(left, config, unfinished));
    let Some(Event::Response { key, outcome: Ok(payload), ordinal }) = heard.next().await else { panic!("no answer") };
    assert_eq!((key, payload.raw().as_str(), ordinal), (RequestKey(1), "\"late\"", Some(1)));

    let params = || RawBuf::parse("{}").unwrap();
    assert_eq!(client.request("ask", params()).await.unwrap(), RequestKey(1 << 32));
    let Some(Event::Request(request)) = asked.next().await else { panic!("no request") };
    assert_eq!(*request.id(), RequestId::from(1u64 << 32));
    client.respond(RequestId::from(5), Ok(params())).await.unwrap();
    // The peer of this test has forgotten that it asked.
    let Some(Event::Stray { id, .. }) = asked.next().await else { panic!("no answer") };
    assert_eq!(id, RequestId::from(5));
}
