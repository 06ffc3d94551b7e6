//! A record as it leaves the host.

use std::sync::Arc;

use acp_types::record::{Kind, Record};
use acp_types::{RawBuf, rewrite};

/// A record without the agent's own ids of the session and of its children. All else is as it stands in the log.
pub(crate) fn shown(record: Arc<Record>) -> Arc<Record> {
    let body = match record.kind {
        Kind::AgentStarted => without_agent_session(&record.body),
        Kind::ChildUpdated => rewrite::remove_member(record.body.as_raw(), "agentSession"),
        _ => return record,
    };
    Arc::new(Record { body, ..(*record).clone() })
}

fn without_agent_session(body: &RawBuf) -> RawBuf {
    let body = rewrite::remove_member(body.as_raw(), "agentSession");
    match body.as_raw().member("state") {
        Some(state) => rewrite::set_member(body.as_raw(), "state", rewrite::remove_member(state, "sessionId").as_raw()),
        None => body,
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
