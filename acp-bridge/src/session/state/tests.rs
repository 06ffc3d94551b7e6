use acp_types::record::body::{
    AgentExited, AgentStarted, CancelRequested, ChoicesRestored, Outcome, PromptQueued, Resolved, SessionCreated,
    SessionUpdated, Start, TurnStarted,
};
use acp_types::record::{Kind, Origin, Record, Seq, Turn};
use acp_types::{Raw, RawBuf};
use serde::Serialize;

use super::{State, StateError, TurnPhase};

fn raw(text: &str) -> RawBuf {
    RawBuf::parse(text).unwrap()
}

/// A log in the making, folded as it grows.
#[derive(Default)]
struct Log {
    state: State,
}

impl Log {
    fn started() -> Self {
        let mut log = Self::default();
        log.add(
            Kind::SessionCreated,
            None,
            &SessionCreated { cwd: "/w".into(), params: raw("{}"), initialize: raw("{}"), ..SessionCreated::default() },
        );
        log.add(Kind::AgentStarted, None, &started(r#"{"sessionId":"a1","modes":{"currentModeId":"ask"},"n":1e2}"#));
        log
    }

    fn record<T: Serialize>(&self, kind: Kind, turn: Option<Turn>, body: &T) -> Record {
        Record {
            seq: self.state.head() + 1,
            at: 1,
            epoch: 1,
            lane: Record::MAIN_LANE.into(),
            origin: Origin::Client("c".into()),
            kind,
            turn,
            position: None,
            body: RawBuf::encode(body).unwrap(),
        }
    }

    fn try_add<T: Serialize>(&mut self, kind: Kind, turn: Option<Turn>, body: &T) -> Result<Seq, StateError> {
        let record = self.record(kind, turn, body);
        self.state.apply(&record)?;
        Ok(record.seq)
    }

    fn add<T: Serialize>(&mut self, kind: Kind, turn: Option<Turn>, body: &T) -> Seq {
        self.try_add(kind, turn, body).unwrap()
    }

    fn prompt(&mut self, key: &str) -> Turn {
        let prompt = PromptQueued { key: Some(key.into()), params: raw("{}"), ..PromptQueued::default() };
        self.add(Kind::PromptQueued, None, &prompt)
    }

    fn complete(&mut self, turn: Turn, result: &str) {
        self.add(Kind::TurnStarted, Some(turn), &TurnStarted {});
        let outcome = Outcome::Completed { stop_reason: "end_turn".into(), result: raw(result) };
        self.add(Kind::TurnEnded, Some(turn), &outcome);
    }
}

fn started(state: &str) -> AgentStarted {
    let agent_session = Some("a1".into());
    AgentStarted { agent_session, start: Start::New, initialize: raw("{}"), state: raw(state), link: None }
}

#[test]
fn a_turn_goes_from_queued_to_running_to_ended() {
    let mut log = Log::started();
    let (one, two) = (log.prompt("k1"), log.prompt("k2"));
    assert_eq!(log.state.main().queue().collect::<Vec<_>>(), [one, two]);
    assert!(log.state.turn(one).unwrap().params.is_some());
    log.add(Kind::TurnStarted, Some(one), &TurnStarted {});
    assert_eq!((log.state.main().running(), log.state.main().queue().collect::<Vec<_>>()), (Some(one), vec![two]));
    log.add(Kind::TurnEnded, Some(one), &Outcome::Interrupted { reason: "r".into() });
    let info = log.state.turn(one).unwrap();
    assert_eq!(info.phase, TurnPhase::Ended(Outcome::Interrupted { reason: "r".into() }));
    assert_eq!((log.state.main().running(), info.params.as_ref()), (None, None));
    assert_eq!(info.client.as_deref(), Some("c"));
    assert_eq!(log.state.turn_by_key("k1"), Some(one));
}

#[test]
fn a_queued_turn_may_end_without_ever_running() {
    let mut log = Log::started();
    let turn = log.prompt("k");
    log.add(Kind::CancelRequested, Some(turn), &CancelRequested::default());
    log.add(Kind::TurnEnded, Some(turn), &Outcome::Cancelled { result: None, killed: false });
    assert!(log.state.turn(turn).unwrap().cancel_requested);
    assert_eq!(log.state.main().queue().len(), 0);
}

#[test]
fn records_that_cannot_follow_are_refused_and_change_nothing() {
    let mut log = Log::started();
    let turn = log.prompt("k");
    log.add(Kind::TurnStarted, Some(turn), &TurnStarted {});
    let other = log.prompt("l");
    let before = log.state.clone();
    let ended = Outcome::Interrupted { reason: String::new() };
    assert!(matches!(log.try_add(Kind::TurnStarted, Some(other), &TurnStarted {}), Err(StateError::Turn { .. })));
    assert!(matches!(log.try_add(Kind::TurnEnded, Some(999), &ended), Err(StateError::Turn { turn: Some(999), .. })));
    assert!(matches!(log.try_add(Kind::TurnEnded, None, &ended), Err(StateError::Turn { turn: None, .. })));
    assert!(matches!(log.try_add(Kind::TurnEnded, Some(turn), &()), Err(StateError::Body { .. })));
    let resolved = Resolved { request: 2, ..Resolved::default() };
    assert!(matches!(
        log.try_add(Kind::PermissionResolved, None, &resolved),
        Err(StateError::Request { request: 2, .. })
    ));
    let mut late = log.record(Kind::SessionClosed, None, &());
    late.seq = 1;
    assert!(matches!(log.state.apply(&late), Err(StateError::Order { seq: 1, .. })));
    assert_eq!(log.state, before);
}

#[test]
fn kinds_of_a_newer_version_only_move_the_head() {
    let mut log = Log::started();
    let seq = log.add(Kind::Other("later".into()), Some(77), &"anything");
    assert_eq!(log.state.head(), seq);
}

#[test]
fn a_key_is_remembered_for_1024_turns_that_ended() {
    let mut log = Log::started();
    let first = log.prompt("first");
    log.complete(first, "{}");
    for turn in 0..1023 {
        let turn = log.prompt(&format!("k{turn}"));
        log.complete(turn, "{}");
    }
    assert_eq!(log.state.turn_by_key("first"), Some(first));
    let last = log.prompt("last");
    log.complete(last, "{}");
    assert_eq!((log.state.turn_by_key("first"), log.state.turn(first)), (None, None));
    assert_eq!(
        log.state.turn_by_key("k0").and_then(|turn| log.state.turn(turn)).map(|info| info.client.is_some()),
        Some(true)
    );
}

#[test]
fn large_results_are_forgotten_earlier_but_the_newest_stays() {
    let mut log = Log::started();
    let large = format!("\"{}\"", "x".repeat(3 << 20));
    let first = log.prompt("first");
    log.complete(first, &large);
    assert!(log.state.turn(first).is_some());
    let second = log.prompt("second");
    log.complete(second, &large);
    assert!(log.state.turn(first).is_none() && log.state.turn(second).is_some());
}

#[test]
fn an_empty_title_clears_it_and_absent_members_change_nothing() {
    let mut log = Log::started();
    log.add(Kind::SessionUpdated, None, &SessionUpdated { title: Some("t".into()), ..SessionUpdated::default() });
    log.add(Kind::SessionUpdated, None, &SessionUpdated { mode: Some("m".into()), ..SessionUpdated::default() });
    assert_eq!((log.state.title(), log.state.main().mode()), (Some("t"), Some("m")));
    log.add(Kind::SessionUpdated, None, &SessionUpdated { title: Some(String::new()), ..SessionUpdated::default() });
    assert_eq!(log.state.title(), None);
}

#[test]
fn the_load_result_is_what_the_agent_said_with_mode_and_options_as_they_are_now() {
    let mut log = Log::started();
    assert_eq!(log.state.main().session_result().as_str(), r#"{"modes":{"currentModeId":"ask"},"n":1e2}"#);
    let options = Some(raw("[{\"id\" : 1e2}]"));
    let updated = SessionUpdated { mode: Some("auto".into()), config_options: options, ..SessionUpdated::default() };
    log.add(Kind::SessionUpdated, None, &updated);
    let now = r#"{"modes":{"currentModeId":"auto"},"n":1e2,"configOptions":[{"id" : 1e2}]}"#;
    assert_eq!(log.state.main().session_result().as_str(), now);
}

#[test]
fn after_a_restart_mode_and_options_are_as_clients_know_them_until_it_is_known_what_is_in_force() {
    let mut log = Log::started();
    let options = Some(raw("[1]"));
    log.add(Kind::SessionUpdated, None, &SessionUpdated { config_options: options, ..SessionUpdated::default() });
    log.add(Kind::AgentExited, None, &AgentExited { reason: "r".into(), expected: false });
    assert!(!log.state.main().agent_alive());
    log.add(Kind::AgentStarted, None, &started(r#"{"modes":{"currentModeId":"other"},"configOptions":null}"#));
    assert_eq!(
        (log.state.main().mode(), log.state.main().config_options().map(Raw::as_str)),
        (Some("ask"), Some("[1]"))
    );
    log.add(Kind::AgentStarted, None, &started(r#"{"configOptions":[2]}"#));
    assert!(log.state.main().is_restoring());
    assert_eq!(log.state.main().config_options().map(Raw::as_str), Some("[1]"));
    log.add(Kind::ChoicesRestored, None, &ChoicesRestored::default());
    assert!(!log.state.main().is_restoring());
    assert_eq!(log.state.main().config_options().map(Raw::as_str), Some("[2]"));
    assert_eq!(log.state.main().session_result().as_str(), r#"{"configOptions":[2]}"#, "no modes are made up");
}

#[test]
fn closed_lasts_until_the_next_prompt_or_agent() {
    let mut log = Log::started();
    log.add(Kind::SessionClosed, None, &serde_json::json!({}));
    assert!(log.state.closed());
    log.prompt("k");
    assert!(!log.state.closed());
}

#[test]
fn the_control_records_of_a_log_give_the_same_state() {
    let mut log = Log::started();
    let mut control = log.state.clone();
    for n in 0..10 {
        let kind = if n % 3 == 0 { Kind::SessionClosed } else { Kind::Update };
        let record = log.record(kind, None, &serde_json::json!({}));
        log.state.apply(&record).unwrap();
        if record.kind.is_control() {
            control.apply(&record).unwrap();
        }
    }
    control.set_head(log.state.head());
    control.set_head(1);
    assert_eq!(control, log.state);
}
