//! From what the log says of a session to a machine that goes on with it.

use std::sync::Arc;

use acp_types::SessionId;
use acp_types::record::Seq;

use super::clock;
use crate::log::{Filter, LogError, ReadLimit, SessionLog};
use crate::session::{self, Machine, Output, State};

/// Claims a session and folds its log.
///
/// The output closes what a crash left open; it is to be appended before anything else.
pub(super) async fn open(
    log: &Arc<dyn SessionLog>,
    session: &SessionId,
    config: session::Config,
) -> Result<(Machine, Output), LogError> {
    let info = log.claim(session).await?;
    let mut state = State::default();
    let mut after: Seq = 0;
    loop {
        let records = log.read(session, after, ReadLimit::default(), Filter::Control).await?;
        let Some(last) = records.last() else { break };
        after = last.seq;
        for record in &records {
            state.apply(record).map_err(|e| LogError::Corrupt { reason: e.to_string() })?;
        }
    }
    state.set_head(info.head);
    Ok(Machine::recover(session.clone(), info.epoch, state, config, clock::now()))
}
