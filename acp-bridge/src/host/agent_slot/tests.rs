use acp_server::proto::RequestKey;
use acp_types::RawBuf;
use acp_types::record::body::AgentLink;

use super::{AgentSlot, Coming, Returning, SlotEffect};
use crate::session::{AgentSource, CallId, StartPlan};

fn start() -> Coming {
    Coming::Start(StartPlan {
        initialize: RawBuf::default(),
        params: RawBuf::default(),
        source: AgentSource::Command,
        first: true,
        agent_session: None,
        accept_context_loss: false,
    })
}

fn awaited(call: Option<CallId>) -> Coming {
    Coming::Return(Returning {
        link: AgentLink { instance: "i".into(), keep_ms: 1000 },
        call,
        initialize: RawBuf::default(),
        description: RawBuf::default(),
        received: 0,
        patient: false,
        dialled: false,
    })
}

/// A slot whose agent serves.
fn serving(remote: bool) -> AgentSlot {
    let mut slot = AgentSlot::default();
    assert!(matches!(slot.bring(start()), Some(SlotEffect::Bring(_))));
    slot.opened(remote);
    assert!(matches!(slot, AgentSlot::Serving { .. }));
    slot
}

#[test]
fn the_next_agent_waits_until_the_one_before_is_gone() {
    let mut slot = serving(false);
    assert!(matches!(slot.stop(false), Some(SlotEffect::Stop { kill: false })));
    assert!(slot.bring(start()).is_none(), "nothing is started beside one that is on its way out");
    let Some(SlotEffect::Bring(coming)) = slot.gone() else { panic!("the next one comes: {slot:?}") };
    assert!(matches!((*coming, &slot), (Coming::Start(_), AgentSlot::Starting)));
    slot.failed();
    assert!(matches!(slot, AgentSlot::Absent));
}

#[test]
fn a_stop_takes_back_the_one_that_was_to_come_next() {
    let mut slot = serving(false);
    slot.stop(false);
    slot.bring(start());
    assert!(slot.stop(true).is_none(), "the one before is on its way out already");
    assert!(slot.gone().is_none());
    assert!(matches!(slot, AgentSlot::Absent));
}

#[test]
fn a_start_that_is_stopped_is_waited_for_before_the_next() {
    let mut slot = AgentSlot::default();
    slot.bring(start());
    assert!(matches!(slot.stop(false), Some(SlotEffect::CancelStart)));
    slot.opened(false);
    assert!(slot.is_stopping(), "what the start came to is heard no more");
    assert!(slot.bring(start()).is_none());
    assert!(matches!(slot.gone(), Some(SlotEffect::Bring(_))));
}

#[test]
fn an_agent_that_has_exited_is_told_and_one_that_was_stopped_meanwhile_is_not() {
    let mut slot = serving(false);
    assert!(matches!(slot.closed(), Some(SlotEffect::WaitForExit)));
    assert!(slot.is_told() && slot.closed().is_none());
    slot.exited();
    assert!(matches!(slot, AgentSlot::Absent));
    let mut slot = serving(false);
    slot.closed();
    assert!(slot.stop(true).is_none() && !slot.is_told(), "its process is waited for all the same");
    assert!(slot.gone().is_none());
    assert!(matches!(slot, AgentSlot::Absent));
}

#[test]
fn an_awaited_agent_answers_the_call_of_its_prompt() {
    let (key, call) = (RequestKey(7), CallId(3));
    let mut slot = AgentSlot::default();
    slot.bring(awaited(Some(call)));
    assert_eq!(slot.returned(Some(key)), Some((key, call)));
    // It never got the prompt.
    let mut slot = AgentSlot::default();
    slot.bring(awaited(Some(call)));
    assert_eq!(slot.returned(None), None);
    assert!(matches!(slot, AgentSlot::Serving { remote: true }));
}

#[test]
fn one_that_runs_on_without_the_host_is_left_to_the_next_and_any_other_is_stopped() {
    let mut slot = serving(true);
    assert!(matches!(slot.let_go(true), Some(SlotEffect::Leave)));
    assert!(matches!(slot, AgentSlot::Absent));
    let mut slot = AgentSlot::default();
    slot.bring(awaited(None));
    assert!(matches!(slot.let_go(false), Some(SlotEffect::LeaveAwaited)));
    let mut slot = serving(false);
    assert!(matches!(slot.let_go(true), Some(SlotEffect::Stop { kill: true })));
    assert!(slot.is_stopping());
}

#[test]
fn an_agent_that_was_not_stopped_makes_room_for_the_next() {
    let mut slot = serving(false);
    assert!(matches!(slot.bring(start()), Some(SlotEffect::Stop { kill: false })));
    assert!(matches!(slot.gone(), Some(SlotEffect::Bring(_))));
}
