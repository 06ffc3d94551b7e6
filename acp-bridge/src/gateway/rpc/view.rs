//! What the log knows, as the API shows it.

use std::sync::Arc;

use acp_types::record::{Kind, Record, Seq};
use acp_types::{RawBuf, api, rewrite};

use crate::log::SessionInfo;
use crate::session::State;

/// A record as it leaves the host: without the agent's own id of the session. All else is as it stands in the log.
pub(super) fn record(record: Arc<Record>) -> Arc<Record> {
    if record.kind != Kind::AgentStarted {
        return record;
    }
    let body = without_agent_session(&record.body);
    Arc::new(Record { body, ..(*record).clone() })
}

fn without_agent_session(body: &RawBuf) -> RawBuf {
    let body = rewrite::remove_member(body.as_raw(), "agentSession");
    match body.as_raw().member("state") {
        Some(state) => rewrite::set_member(body.as_raw(), "state", rewrite::remove_member(state, "sessionId").as_raw()),
        None => body,
    }
}

/// A session as a listing shows it.
pub(super) fn session(info: SessionInfo) -> api::Session {
    api::Session {
        session: info.id,
        cwd: info.cwd,
        title: info.title,
        created_at: info.created_at,
        updated_at: info.updated_at,
        epoch: info.epoch,
        head: info.head,
        oldest: info.oldest,
        open_turns: info.open_turns,
    }
}

/// A session with its state as of `head`.
pub(super) fn whole(info: SessionInfo, head: Seq, state: &State) -> api::SessionView {
    let pending = state.pending().map(|(seq, request)| api::Pending {
        request: seq,
        method: request.method.clone(),
        params: request.params.clone(),
        turn: request.turn,
    });
    api::SessionView {
        info: api::Session { head, ..session(info) },
        running: state.main().running(),
        queued: state.main().queue().collect(),
        pending: pending.collect(),
        state: state.main().session_result(),
        closed: state.closed(),
        unattended: state.unattended().map(ToString::to_string),
        disarmed: state.disarmed().cloned(),
    }
}

#[cfg(test)]
mod tests {
    use acp_types::RawBuf;

    use super::without_agent_session;

    #[test]
    fn the_agents_own_session_id_is_taken_out_and_no_other_byte_changes() {
        for (logged, shown) in [
            (
                r#"{"agentSession":"a1","start":"new","initialize":{"n":1e2},"state":{ "sessionId":"a1", "modes":null }}"#,
                r#"{"start":"new","initialize":{"n":1e2},"state":{ "modes":null }}"#,
            ),
            (
                r#"{"start":"load","initialize":{},"state":{},"agentSession":"a1"}"#,
                r#"{"start":"load","initialize":{},"state":{}}"#,
            ),
            (r#"{"agentSession":"a1"}"#, "{}"),
        ] {
            assert_eq!(without_agent_session(&RawBuf::parse(logged).unwrap()).as_str(), shown);
        }
    }
}
