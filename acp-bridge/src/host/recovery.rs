//! Recovery of a session: a machine that goes on with what the log says.

use std::collections::BTreeMap;
use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::Seq;
use acp_types::record::body::AgentLink;

use super::agent_slot::Returning;
use super::config::Config;
use crate::log::{Filter, LogError, MemberId, ReadLimit, SessionInfo, SessionLog};
use crate::session::{CallId, LaneState, Machine, Output, State};

/// Records read at once on the way back from the head of a log.
const PAGE: u64 = 512;

/// Claims a session and folds its log.
///
/// The output closes what a crash left open; it is to be appended before anything else.
pub(super) async fn open(
    log: &Arc<dyn SessionLog>,
    host: &MemberId,
    session: &SessionId,
    config: &Config,
) -> Result<(Machine, Output), LogError> {
    let info = log.claim(session, host).await?;
    let mut state = State::default();
    let mut after: Seq = 0;
    // The newest control record of each lane's agent.
    let mut numbered = BTreeMap::new();
    loop {
        let records = log.read(session, after, ReadLimit::default(), Filter::Control).await?;
        let Some(last) = records.last() else { break };
        after = last.seq;
        for record in &records {
            state.apply(record).map_err(|e| LogError::Corrupt { reason: e.to_string() })?;
            if record.position.is_some() {
                numbered.insert(Arc::clone(&record.lane), record.seq);
            }
        }
    }
    state.set_head(info.head);
    let linked = state.lanes().filter(|lane| lane.link().is_some()).map(LaneState::name);
    let since = linked.map(|lane| (Arc::clone(lane), numbered.get(lane).copied().unwrap_or(0))).collect();
    note_received(log, &info, since, &mut state).await?;
    let kept = config.secrets.get(session).await;
    Ok(Machine::recover(session.clone(), info.epoch, state, config.session.clone(), config.clock.now(), kept))
}

/// An agent that the log says was there, and that has gone on since.
pub(super) fn returning(state: &State, lane: &str, link: AgentLink, received: u64, call: Option<CallId>) -> Returning {
    let initialize = state.created().map(|created| created.initialize.clone());
    let logged = state.lane(lane);
    let description = logged.and_then(LaneState::agent);
    let dialled = logged.is_some_and(|lane| lane.source().dials_in());
    Returning {
        link,
        call,
        initialize: initialize.unwrap_or_default(),
        description: description.map(|agent| agent.initialize.clone()).unwrap_or_default(),
        received,
        patient: dialled && call.is_some(),
        dialled,
    }
}

/// Finds how far agents behind a link have come with what is no control record, which is most of what they say: the last
/// record of each lane after the one that `since` names, going back from the head, where it usually is.
async fn note_received(
    log: &Arc<dyn SessionLog>,
    info: &SessionInfo,
    mut since: BTreeMap<Arc<str>, Seq>,
    state: &mut State,
) -> Result<(), LogError> {
    let mut before = info.head;
    loop {
        since.retain(|_, control| *control < before);
        if since.is_empty() || before <= info.oldest {
            return Ok(());
        }
        let mut after = before.saturating_sub(PAGE).max(info.oldest);
        let page = after;
        let mut found = BTreeMap::new();
        while after < before {
            let records = log.read(&info.id, after, ReadLimit::default(), Filter::All).await?;
            let Some(last) = records.last() else { break };
            after = last.seq;
            let numbered = records.iter().filter_map(|record| Some((Arc::clone(&record.lane), record.position?)));
            found.extend(numbered);
        }
        for (lane, position) in found {
            if since.remove(&lane).is_some() {
                state.set_received(&lane, position);
            }
        }
        before = page;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use acp_server::transport::child::ChildSpec;
    use acp_types::RawBuf;
    use acp_types::record::body::{AgentLink, AgentStarted, SessionCreated, Start};
    use acp_types::record::{Kind, Origin, Record, Seq};
    use serde::Serialize;

    use super::{Config, PAGE, open};
    use crate::log::{Member, MemoryLog, Role, SessionLog};
    use crate::session::Effect;

    fn record<T: Serialize>(seq: Seq, kind: Kind, position: Option<u64>, body: &T) -> Arc<Record> {
        let lane = Record::MAIN_LANE.into();
        let body = RawBuf::encode(body).unwrap();
        Arc::new(Record { seq, at: seq, epoch: 1, lane, origin: Origin::Agent, kind, turn: None, position, body })
    }

    /// What is awaited after a restart: the number of the last message that the log has.
    async fn received(updates: &[Option<u64>], trim: Seq) -> u64 {
        let log: Arc<dyn SessionLog> = Arc::new(MemoryLog::new());
        let started = AgentStarted {
            agent_session: Some("a".into()),
            start: Start::New,
            initialize: RawBuf::default(),
            state: RawBuf::default(),
            link: Some(AgentLink { instance: "i".into(), keep_ms: 1000 }),
        };
        let mut records = vec![
            record(1, Kind::SessionCreated, None, &SessionCreated::default()),
            record(2, Kind::AgentStarted, Some(2), &started),
        ];
        for (seq, position) in (3..).zip(updates) {
            records.push(record(seq, Kind::Update, *position, &()));
        }
        let host = Member { id: "h".into(), role: Role::Host };
        log.renew(&host, Duration::from_secs(60)).await.unwrap();
        log.create(&"s".into(), &host.id, records).await.unwrap();
        log.trim(&"s".into(), trim).await.unwrap();
        let (_, out) = open(&log, &host.id, &"s".into(), &Config::new(ChildSpec::new("an-agent"))).await.unwrap();
        match &out.effects[..] {
            [Effect::AwaitAgent { received, .. }] => *received,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn an_agent_goes_on_behind_its_last_message_of_whatever_kind() {
        assert_eq!(received(&[], 0).await, 2);
        assert_eq!(received(&[Some(3), Some(4)], 0).await, 4);
        // What the user said is no message of the agent.
        assert_eq!(received(&[Some(3), Some(4), None], 0).await, 4);
        assert_eq!(received(&[Some(3), Some(4), None], 4).await, 2, "what was trimmed was acknowledged long ago");
    }

    #[tokio::test]
    async fn it_is_found_however_far_back() {
        for others in [PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 7, 5000] {
            let mut updates = vec![Some(3), Some(4)];
            updates.extend((0..others).map(|_| None));
            assert_eq!(received(&updates, 0).await, 4, "{others}");
        }
    }
}
