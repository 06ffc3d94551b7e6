//! Sessions of the log, as the API shows them.

use acp_types::api;
use acp_types::record::Seq;

use crate::log::SessionInfo;
use crate::session::{ChildSession, State};

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
        children: state.children().iter().map(child).collect(),
    }
}

fn child(child: &ChildSession) -> api::Child {
    api::Child {
        session: child.id().clone(),
        parent: child.parent().cloned(),
        lane: child.lane().to_string(),
        title: child.title(),
        description: child.description(),
        state: child.state(),
        stop_reason: child.stop_reason(),
        cancellable: child.can_be_cancelled(),
    }
}
