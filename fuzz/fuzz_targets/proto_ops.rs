//! The connection core under any sequence of calls and received bytes: no panic, one outcome per request, tables that
//! drain.
#![no_main]

use std::collections::HashMap;

use acp_server::proto::{CloseReason, Connection, Event, Limits, Refusal, RequestKey};
use acp_types::error::error;
use acp_types::{ErrorCode, Frame, Raw, RequestId};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut limits = Limits::default();
    limits.max_outgoing = 4;
    limits.max_incoming = 4;
    let mut core = Connection::new(limits);
    let mut outcomes: HashMap<RequestKey, u32> = HashMap::new();
    let mut open: Vec<RequestId> = Vec::new();
    let mut next = 0;
    let wrong = error(ErrorCode::INTERNAL_ERROR, "no", None);

    for step in data.split(|byte| *byte == b'\n') {
        match step.split_first() {
            Some((b'r', _)) => {
                if core.request(RequestKey(next), "ask", Some(Raw::EMPTY_OBJECT)).is_ok() {
                    outcomes.insert(RequestKey(next), 0);
                    next += 1;
                }
            }
            Some((b'c', rest)) => {
                core.cancel_request(RequestKey(rest.first().copied().unwrap_or_default().into()));
            }
            Some((b'a', rest)) if !open.is_empty() => {
                let id = open.remove(rest.len() % open.len());
                let outcome = if rest.len() % 2 == 0 { Ok(Raw::NULL) } else { Err(&wrong) };
                let before = core.unanswered_requests();
                let answered = core.respond(&id, outcome).is_ok();
                assert_eq!(answered, before > 0, "only a closed connection refuses to answer an open request");
            }
            Some((b'n', _)) => drop(core.notify("tell", None)),
            Some((b'o', head)) => {
                let head = Bytes::copy_from_slice(head);
                core.refuse(Refusal::TooLarge { bytes: 99, limit: 9, end: head.clone(), head });
            }
            Some((b'e', _)) => core.end_input(CloseReason::Peer),
            Some((b'x', _)) => core.close(CloseReason::Local),
            _ => core.receive(Bytes::copy_from_slice(step)),
        }
        drain(&mut core, &mut outcomes, &mut open);
    }
    core.close(CloseReason::Local);
    drain(&mut core, &mut outcomes, &mut open);
    assert_eq!((core.open_requests(), core.unanswered_requests(), core.outgoing_bytes()), (0, 0, 0));
    assert!(outcomes.values().all(|count| *count == 1), "{outcomes:?}");
});

fn drain(core: &mut Connection, outcomes: &mut HashMap<RequestKey, u32>, open: &mut Vec<RequestId>) {
    while let Some(event) = core.next_event() {
        match event {
            Event::Request(request) => {
                assert!(!open.contains(request.id()), "an id that is open is taken");
                // What it points at is what was sent.
                assert!(request.params().is_none_or(|params| Raw::parse(params.as_str()) == Ok(params)));
                open.push(request.id().clone());
            }
            Event::Cancelled { id, .. } => assert!(open.contains(&id)),
            Event::Response { key, outcome, .. } => {
                *outcomes.get_mut(&key).expect("an outcome of a request that was sent") += 1;
                if let Ok(payload) = outcome {
                    assert_eq!(Raw::parse(payload.raw().as_str()), Ok(payload.raw()));
                }
            }
            _ => {}
        }
    }
    while let Some(frame) = core.next_frame() {
        assert!(!frame.contains(&b'\n'));
        Frame::parse(&frame, &acp_types::frame::Limits::default()).expect("what is sent is valid");
    }
}
