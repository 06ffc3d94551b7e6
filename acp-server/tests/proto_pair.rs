//! Two connection cores wired together by a line that loses, doubles, reorders and cuts what it carries.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{HashMap, VecDeque};

use acp_server::proto::{
    CloseReason, Connection, Event, Limits, Refusal, Rejection, RequestKey, RespondError, ResponseError, SendError,
};
use acp_types::error::error;
use acp_types::{ErrorCode, Frame, Id, Raw, RequestId};
use bytes::Bytes;
use proptest::prelude::*;

/// One side, with everything that was seen of it.
struct Side {
    core: Connection,
    next_key: u64,
    outcomes: HashMap<u64, usize>,
    open: Vec<RequestId>,
    accepted: HashMap<RequestId, usize>,
    answered: HashMap<RequestId, usize>,
    closed: usize,
}

impl Side {
    fn new() -> Self {
        let mut limits = Limits::default();
        limits.max_outgoing = 8;
        limits.max_incoming = 4;
        Self {
            core: Connection::new(limits),
            next_key: 0,
            outcomes: HashMap::new(),
            open: Vec::new(),
            accepted: HashMap::new(),
            answered: HashMap::new(),
            closed: 0,
        }
    }

    fn request(&mut self) {
        let key = RequestKey(self.next_key);
        match self.core.request(key, "ask", Some(Raw::EMPTY_OBJECT)) {
            Ok(()) => {
                self.outcomes.insert(key.0, 0);
                self.next_key += 1;
            }
            Err(SendError::TooMany { limit }) => assert_eq!(self.core.open_requests(), limit),
            Err(SendError::Closed) => assert!(!self.core.is_open()),
            Err(other) => panic!("{other}"),
        }
    }

    fn respond(&mut self, which: usize, fail: bool) {
        if self.open.is_empty() {
            return;
        }
        let id = self.open.remove(which % self.open.len());
        let wrong = error(ErrorCode::INTERNAL_ERROR, "no", None);
        let outcome = if fail { Err(&wrong) } else { Ok(Raw::NULL) };
        match self.core.respond(&id, outcome) {
            Ok(()) => assert!(matches!(self.core.respond(&id, Ok(Raw::NULL)), Err(RespondError::Unknown { .. }))),
            Err(RespondError::Closed) => assert!(!self.core.is_open()),
            Err(other) => panic!("{other}"),
        }
    }

    /// Takes events and frames.
    fn drain(&mut self) -> Vec<Bytes> {
        while let Some(event) = self.core.next_event() {
            assert!(self.closed == 0, "nothing comes after Closed");
            match event {
                Event::Request(request) => {
                    assert_eq!(request.method(), "ask");
                    assert_eq!(request.params(), Some(Raw::EMPTY_OBJECT));
                    self.open.push(request.id().clone());
                    *self.accepted.entry(request.id().clone()).or_default() += 1;
                }
                Event::Response { key, outcome, .. } => {
                    *self.outcomes.get_mut(&key.0).unwrap() += 1;
                    if let Ok(payload) = outcome {
                        assert_eq!(payload.raw(), Raw::NULL);
                    }
                }
                Event::Cancelled { id, .. } => assert!(self.open.contains(&id), "only open requests are cancelled"),
                Event::Rejected { reason: Rejection::TooManyRequests { id, .. } | Rejection::DuplicateId { id } } => {
                    *self.accepted.entry(id).or_default() += 1;
                }
                Event::Rejected { reason: Rejection::Frame(wrong) } => {
                    if let Some(id) = wrong.id() {
                        *self.accepted.entry(id.clone()).or_default() += 1;
                    }
                }
                Event::Closed(_) => self.closed += 1,
                _ => {}
            }
        }
        let mut frames = Vec::new();
        while let Some(frame) = self.core.next_frame() {
            let parsed = Frame::parse(&frame, &acp_types::frame::Limits::default()).unwrap();
            if let Frame::Response(response) = parsed
                && response.id != Id::NULL
            {
                *self.answered.entry(response.id.to_owned()).or_default() += 1;
            }
            frames.push(frame);
        }
        assert_eq!(self.core.outgoing_bytes(), 0);
        frames
    }
}

#[derive(Debug, Clone)]
enum Step {
    Request(bool),
    Notify(bool),
    Respond { side: bool, which: usize, fail: bool },
    Cancel { side: bool, which: u64 },
    Deliver { to: bool, fault: Fault },
    Garbage { to: bool, bytes: Vec<u8> },
    Refuse(bool),
    EndInput(bool),
    Close(bool),
}

#[derive(Debug, Clone)]
enum Fault {
    None,
    Drop,
    Double,
    Swap,
    Truncate(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        6 => Just(Fault::None),
        1 => Just(Fault::Drop),
        1 => Just(Fault::Double),
        1 => Just(Fault::Swap),
        1 => (0_usize..80).prop_map(Fault::Truncate),
    ];
    prop_oneof![
        8 => any::<bool>().prop_map(Step::Request),
        2 => any::<bool>().prop_map(Step::Notify),
        8 => (any::<bool>(), any::<usize>(), any::<bool>())
            .prop_map(|(side, which, fail)| Step::Respond { side, which, fail }),
        3 => (any::<bool>(), 0_u64..40).prop_map(|(side, which)| Step::Cancel { side, which }),
        16 => (any::<bool>(), fault).prop_map(|(to, fault)| Step::Deliver { to, fault }),
        1 => (any::<bool>(), prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(to, bytes)| Step::Garbage { to, bytes }),
        1 => any::<bool>().prop_map(Step::Refuse),
        1 => any::<bool>().prop_map(Step::EndInput),
        1 => any::<bool>().prop_map(Step::Close),
    ]
}

fn run(steps: Vec<Step>) -> [Side; 2] {
    let mut sides = [Side::new(), Side::new()];
    let mut lines: [VecDeque<Bytes>; 2] = Default::default();
    for step in steps {
        match step {
            Step::Request(side) => sides[usize::from(side)].request(),
            Step::Notify(side) => drop(sides[usize::from(side)].core.notify("tell", None)),
            Step::Respond { side, which, fail } => sides[usize::from(side)].respond(which, fail),
            Step::Cancel { side, which } => {
                let core = &mut sides[usize::from(side)].core;
                if core.cancel_request(RequestKey(which)) {
                    assert!(!core.cancel_request(RequestKey(which)), "a second cancellation says nothing new");
                }
            }
            Step::Deliver { to, fault } => {
                let line = &mut lines[usize::from(to)];
                let core = &mut sides[usize::from(to)].core;
                match (line.pop_front(), fault) {
                    (None, _) | (Some(_), Fault::Drop) => {}
                    (Some(frame), Fault::None) => core.receive(frame),
                    (Some(frame), Fault::Double) => {
                        core.receive(frame.clone());
                        core.receive(frame);
                    }
                    (Some(frame), Fault::Swap) => line.push_back(frame),
                    (Some(frame), Fault::Truncate(length)) => core.receive(frame.slice(..length.min(frame.len()))),
                }
            }
            Step::Garbage { to, bytes } => sides[usize::from(to)].core.receive(bytes.into()),
            Step::Refuse(to) => {
                let head = lines[usize::from(to)].pop_front().unwrap_or_default();
                sides[usize::from(to)].core.refuse(Refusal::TooLarge { bytes: 99, limit: 9, head, end: Bytes::new() });
            }
            Step::EndInput(side) => sides[usize::from(side)].core.end_input(CloseReason::Peer),
            Step::Close(side) => sides[usize::from(side)].core.close(CloseReason::Local),
        }
        for side in 0..2 {
            let frames = sides[side].drain();
            lines[1 - side].extend(frames);
        }
    }
    for side in &mut sides {
        side.core.close(CloseReason::Local);
        side.drain();
    }
    sides
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_request_has_one_outcome_whatever_the_line_does(steps in prop::collection::vec(step(), 0..120)) {
        for side in run(steps) {
            prop_assert_eq!(side.closed, 1);
            prop_assert_eq!(side.core.open_requests(), 0);
            prop_assert_eq!(side.core.unanswered_requests(), 0);
            prop_assert!(side.outcomes.values().all(|count| *count == 1), "{:?}", side.outcomes);
            for (id, answers) in &side.answered {
                let requests = side.accepted.get(id).copied().unwrap_or_default();
                prop_assert!(*answers <= requests, "{} answers to {} requests {}", answers, requests, id);
            }
        }
    }
}

fn ready() -> Connection {
    Connection::new(Limits::default())
}

fn receive(core: &mut Connection, line: &'static str) {
    core.receive(Bytes::from_static(line.as_bytes()));
}

fn frame(core: &mut Connection) -> String {
    String::from_utf8(core.next_frame().unwrap().to_vec()).unwrap()
}

#[test]
fn answers_may_come_in_any_order() {
    let mut core = ready();
    for key in 0..3 {
        core.request(RequestKey(key), "ask", None).unwrap();
    }
    for line in
        [r#"{"jsonrpc":"2.0","id":2,"result":1}"#, r#"{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"x"}}"#]
    {
        receive(&mut core, line);
    }
    assert!(matches!(core.next_event(), Some(Event::Response { key: RequestKey(2), outcome: Ok(_), .. })));
    let Some(Event::Response { key: RequestKey(0), outcome: Err(ResponseError::Peer(error)), .. }) = core.next_event()
    else {
        panic!("no error")
    };
    assert_eq!(error.code(), ErrorCode(1));
    assert_eq!(core.open_requests(), 1);
}

#[test]
fn a_second_answer_and_an_answer_to_nothing_are_strays() {
    let mut core = ready();
    core.request(RequestKey(1), "ask", None).unwrap();
    let answer = r#"{"jsonrpc":"2.0","id":1,"result":1}"#;
    for line in [answer, answer, r#"{"jsonrpc":"2.0","id":"1","result":1}"#, r#"{"jsonrpc":"2.0","id":9,"result":1}"#] {
        receive(&mut core, line);
    }
    assert!(matches!(core.next_event(), Some(Event::Response { outcome: Ok(_), .. })));
    for id in ["1", "\"1\"", "9"] {
        let Some(Event::Stray { id: stray, error: None }) = core.next_event() else { panic!("no stray for {id}") };
        assert_eq!(stray.to_string(), id);
    }
    frame(&mut core);
    assert!(core.next_frame().is_none(), "an answer is never answered");
}

#[test]
fn a_broken_answer_ends_its_request_and_its_sender_is_told() {
    let mut core = ready();
    core.request(RequestKey(1), "ask", None).unwrap();
    frame(&mut core);
    receive(&mut core, r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#);
    let outcome = core.next_event();
    assert!(matches!(outcome, Some(Event::Response { outcome: Err(ResponseError::Invalid(_)), .. })), "{outcome:?}");
    assert!(matches!(core.next_event(), Some(Event::Rejected { .. })));
    let told = frame(&mut core);
    assert!(told.starts_with(r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"#), "{told}");
    assert!(told.contains("the answer to request 1 cannot be read"), "{told}");
    assert!(core.next_frame().is_none());
    core.receive(Bytes::from(told));
    assert!(matches!(core.next_event(), Some(Event::Stray { error: Some(_), .. })));
    assert!(core.next_frame().is_none(), "two that tell each other such things stop at once");
}

#[test]
fn members_that_are_null_beside_a_value_are_absent() {
    for (line, ok) in [
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":null}"#, true),
        (r#"{"jsonrpc":"2.0","id":1,"method":null,"params":null,"result":{},"error":null}"#, true),
        (r#"{"jsonrpc":"2.0","id":1,"result":null,"error":null}"#, true),
        (r#"{"jsonrpc":"2.0","id":1,"result":null,"error":{"code":1,"message":"no"}}"#, false),
    ] {
        let mut core = ready();
        core.request(RequestKey(1), "ask", None).unwrap();
        frame(&mut core);
        receive(&mut core, line);
        let Some(Event::Response { outcome, .. }) = core.next_event() else { panic!("{line}") };
        assert!(matches!(outcome, Ok(_) | Err(ResponseError::Peer(_))), "{line}: {outcome:?}");
        assert_eq!(outcome.is_ok(), ok, "{line}");
        assert!(core.next_event().is_none() && core.next_frame().is_none(), "{line}");
    }
    let mut core = ready();
    receive(&mut core, r#"{"jsonrpc":"2.0","id":1,"method":"ask","result":null,"error":null}"#);
    assert!(matches!(core.next_event(), Some(Event::Request(_))));
}

#[test]
fn a_torn_answer_ends_its_request_wherever_its_id_stands() {
    for line in [
        r#"{"jsonrpc":"2.0","id":1,"result":{"cut o"#,
        r#"{"jsonrpc":"2.0","result":{"bad":tru},"id":1}"#,
        r#"{"jsonrpc":"2.0","result":{"bad":"\x"} , "id" : 1 } "#,
    ] {
        let mut core = ready();
        core.request(RequestKey(1), "ask", None).unwrap();
        receive(&mut core, line);
        let outcome = core.next_event();
        assert!(matches!(outcome, Some(Event::Response { outcome: Err(ResponseError::Invalid(_)), .. })), "{line}");
    }
}

#[test]
fn noise_among_messages_is_neither_answered_nor_taken_for_one() {
    let mut core = ready();
    core.tolerate_noise();
    core.request(RequestKey(1), "ask", None).unwrap();
    frame(&mut core);
    for line in [
        "Listening on port 80",
        "[2026-11-30] INFO started",
        r#"{"level":"info","msg":"up"}"#,
        r#"{"error":"disk"}"#,
        r#"{"method":"GET","status":200}"#,
        "got: {\"jsonrpc\":\"2.0\",\"id\":1}",
        "17",
        "{",
    ] {
        receive(&mut core, line);
        let Some(Event::Rejected { reason: Rejection::Noise { head } }) = core.next_event() else {
            panic!("{line} is no noise")
        };
        assert_eq!(head, line.as_bytes());
    }
    assert_eq!(core.open_requests(), 1, "no line of it was taken for the answer");
    for line in [
        r#"{"jsonrpc":"2.0","method":"session/update","params":{"cut o"#,
        r#"{"jsonrpc":"2.0","result":{"bad"#,
        r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
    ] {
        receive(&mut core, line);
        let reported = core.next_event();
        assert!(matches!(reported, Some(Event::Rejected { reason: Rejection::Frame(_) })), "{line}: {reported:?}");
    }
    assert!(core.next_frame().is_none(), "nothing that has no id is answered");
    receive(&mut core, r#"{"jsonrpc":"1.0","id":5,"method":"a"}"#);
    assert!(frame(&mut core).starts_with(r#"{"jsonrpc":"2.0","id":5,"error""#), "who asks is answered");
}

#[test]
fn an_oversized_answer_ends_its_request() {
    let mut core = ready();
    core.request(RequestKey(1), "ask", None).unwrap();
    let head = Bytes::from_static(br#"{"jsonrpc":"2.0","id":1,"result":"xxxxxxx"#);
    core.refuse(Refusal::TooLarge { bytes: 1000, limit: 10, head, end: Bytes::new() });
    assert!(matches!(core.next_event(), Some(Event::Response { outcome: Err(ResponseError::Invalid(_)), .. })));
}

#[test]
fn an_oversized_answer_whose_id_comes_last_ends_its_request() {
    let refuse = |core: &mut Connection, end: &'static str| {
        let head = Bytes::from_static(br#"{"jsonrpc":"2.0","result":"xxxxxxx"#);
        core.refuse(Refusal::TooLarge { bytes: 1000, limit: 10, head, end: Bytes::from_static(end.as_bytes()) });
    };
    let mut core = ready();
    core.request(RequestKey(1), "ask", None).unwrap();
    core.request(RequestKey(2), "ask", None).unwrap();
    refuse(&mut core, r#"xxxxx","id":2}"#);
    let Some(Event::Response { key: RequestKey(2), outcome: Err(error), .. }) = core.next_event() else {
        panic!("not the one that was answered")
    };
    assert!(error.to_string().contains("the limit is 10"), "{error}");
    core.next_event();
    // Where even that is not kept, the only request that is open was meant.
    refuse(&mut core, "xxxxx\"}");
    assert!(matches!(core.next_event(), Some(Event::Response { key: RequestKey(1), outcome: Err(_), .. })));
}

#[test]
fn what_is_not_a_message_is_answered_under_its_id_or_null() {
    let mut core = ready();
    for (line, id, code) in [
        ("garbage", "null", -32700),
        (r#"{"jsonrpc":"1.0","id":5,"method":"a"}"#, "5", -32600),
        (r#"[{"jsonrpc":"2.0","id":5,"method":"a"}]"#, "null", -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, "null", -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"a"}"#, "null", -32600),
    ] {
        receive(&mut core, line);
        let answer = frame(&mut core);
        assert!(
            answer.starts_with(&format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"#)),
            "{line}: {answer}"
        );
    }
    core.refuse(Refusal::TooLarge { bytes: 1000, limit: 10, head: Bytes::from_static(b"xx"), end: Bytes::new() });
    assert!(frame(&mut core).contains(r#""id":null,"error":{"code":-32600"#));
    assert!(core.is_open());
}

#[test]
fn a_request_whose_id_is_in_use_is_refused() {
    let mut core = ready();
    let line = r#"{"jsonrpc":"2.0","id":"a","method":"ask"}"#;
    receive(&mut core, line);
    receive(&mut core, line);
    assert!(matches!(core.next_event(), Some(Event::Request(_))));
    assert!(matches!(core.next_event(), Some(Event::Rejected { reason: Rejection::DuplicateId { .. } })));
    let refused = frame(&mut core);
    assert!(refused.starts_with(r#"{"jsonrpc":"2.0","id":"a","error":{"code":-32600,"#), "{refused}");
    assert!(refused.contains("still waits for its answer"), "{refused}");
    core.respond(&RequestId::string("a"), Ok(Raw::NULL)).unwrap();
    frame(&mut core);
    assert!(core.next_frame().is_none());
}

#[test]
fn ids_come_back_as_they_were_written() {
    let mut core = ready();
    for id in ["7", "\"7\"", "-1", "\"\\u0061\"", "123456789012345678901234567890"] {
        core.receive(Bytes::from(format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"a\u0073k","params":[1]}}"#)));
        let Some(Event::Request(request)) = core.next_event() else { panic!("no request {id}") };
        assert_eq!((request.method(), request.params().unwrap().as_str()), ("ask", "[1]"));
        core.respond(request.id(), Ok(Raw::EMPTY_OBJECT)).unwrap();
        assert_eq!(frame(&mut core), format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#));
    }
}

#[test]
fn one_request_too_many_is_answered_at_once() {
    let mut limits = Limits::default();
    limits.max_incoming = 1;
    let mut core = Connection::new(limits);
    receive(&mut core, r#"{"jsonrpc":"2.0","id":1,"method":"ask"}"#);
    receive(&mut core, r#"{"jsonrpc":"2.0","id":2,"method":"ask"}"#);
    assert!(frame(&mut core).contains(r#""id":2,"error""#));
    core.respond(&RequestId::from(1), Ok(Raw::NULL)).unwrap();
    receive(&mut core, r#"{"jsonrpc":"2.0","id":2,"method":"ask"}"#);
    assert_eq!(core.unanswered_requests(), 1);
}

#[test]
fn cancellation_is_reported_once_and_only_for_open_requests() {
    let mut core = ready();
    receive(&mut core, r#"{"jsonrpc":"2.0","id":"x","method":"ask"}"#);
    for id in ["\"y\"", "\"x\"", "\"x\"", "null", "{}"] {
        core.receive(Bytes::from(format!(
            r#"{{"jsonrpc":"2.0","method":"$/cancel_request","params":{{"requestId":{id}}}}}"#
        )));
    }
    receive(&mut core, r#"{"jsonrpc":"2.0","method":"$/cancel_request"}"#);
    receive(&mut core, r#"{"jsonrpc":"2.0","method":"$/whatever"}"#);
    assert!(matches!(core.next_event(), Some(Event::Request(_))));
    assert!(matches!(core.next_event(), Some(Event::Cancelled { .. })));
    assert!(core.next_event().is_none());
    assert!(core.next_frame().is_none());
}

#[test]
fn our_cancellation_names_the_request_once() {
    let mut core = ready();
    core.request(RequestKey(3), "ask", None).unwrap();
    frame(&mut core);
    assert!(core.cancel_request(RequestKey(3)));
    assert!(!core.cancel_request(RequestKey(3)));
    assert!(!core.cancel_request(RequestKey(4)));
    assert_eq!(frame(&mut core), r#"{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":3}}"#);
    assert!(core.next_frame().is_none());
    assert_eq!(core.open_requests(), 1, "the outcome still comes");
}
