//! One pass over a log, and one pass after the other.

use std::time::Duration;

use acp_types::SessionId;
use acp_types::record::Seq;
use tokio_util::sync::CancellationToken;

use super::policy::{OpenTurns, Policy};
use super::repeat::repeat;
use crate::log::{Filter, ListQuery, LogError, ReadLimit, SessionInfo, SessionLog};

/// Amount of a session that is read first. In most nothing is to go, and that shows at once.
const PROBE: ReadLimit = ReadLimit { records: 8, bytes: 64 * 1024 };
/// Amount that is trimmed in one step: a few milliseconds of the log's writer at most.
const STEP: ReadLimit = ReadLimit { records: 1024, bytes: 512 * 1024 };
/// Time that the log is left to others after each step.
const PAUSE: Duration = Duration::from_millis(5);

/// Amount that a pass has trimmed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trimmed {
    /// Sessions of which something was trimmed.
    pub sessions: u64,
    /// Weight of that: see [`acp_types::record::Record::weight`].
    pub bytes: u64,
}

/// Applies a policy to a log time and again until it is stopped, first at once. `now` is the clock.
///
/// A pass that fails is logged, and the next one tries again.
pub async fn keep(
    log: &dyn SessionLog,
    policy: Policy,
    every: Duration,
    now: impl Fn() -> u64 + Send,
    stop: CancellationToken,
) {
    let policy = &policy;
    let once = move || {
        let now = now();
        async move {
            match pass(log, policy, now).await {
                Ok(Trimmed { sessions: 0, .. }) => {}
                Ok(Trimmed { sessions, bytes }) => tracing::info!(sessions, bytes, "old records were trimmed"),
                Err(error) => tracing::warn!(%error, "old records cannot be trimmed now"),
            }
        }
    };
    repeat(every, stop, once).await;
}

/// Applies a policy to every session of a log, once, in small steps. `now` is in the unit of
/// [`acp_types::record::Record::at`].
///
/// # Errors
/// When the log cannot be listed or written. Sessions that are gone or damaged are passed over.
pub async fn pass(log: &dyn SessionLog, policy: &Policy, now: u64) -> Result<Trimmed, LogError> {
    let mut trimmed = Trimmed::default();
    if policy.keeps_everything() {
        return Ok(trimmed);
    }
    let mut query = ListQuery::default();
    loop {
        let page = match log.list(query.clone()).await {
            Ok(page) => page,
            // The session that the next page comes after was deleted; the next pass sees the rest.
            Err(LogError::NotFound { .. }) => return Ok(trimmed),
            Err(error) => return Err(error),
        };
        let Some(last) = page.last() else { return Ok(trimmed) };
        query.after = Some(last.id.clone());
        for info in page {
            match session(log, policy, &info, now).await {
                Ok(0) => {}
                Ok(bytes) => {
                    trimmed.sessions += 1;
                    trimmed.bytes += bytes;
                }
                // Deleted or trimmed by somebody else meanwhile.
                Err(LogError::NotFound { .. } | LogError::Trimmed { .. }) => {}
                Err(error @ LogError::Corrupt { .. }) => {
                    tracing::warn!(session = %info.id, %error, "a session cannot be trimmed");
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Trims one session; what went.
async fn session(log: &dyn SessionLog, policy: &Policy, info: &SessionInfo, now: u64) -> Result<u64, LogError> {
    let Some(mut cut) = policy.plan(info, now) else { return Ok(0) };
    if info.open_turns > 0
        && let Some(turn) = first_open_turn(log, &info.id, info.head).await?
    {
        cut.hold(turn);
    }
    let mut cursor = info.oldest;
    let mut limit = PROBE;
    loop {
        let records = log.read(&info.id, cursor, limit, Filter::All).await?;
        let Some(last) = records.last() else { break };
        cursor = last.seq;
        let verdict = cut.take(&records);
        if let Some(through) = verdict.through {
            log.trim(&info.id, through).await?;
            tokio::time::sleep(PAUSE).await;
        }
        if !verdict.more {
            break;
        }
        limit = STEP;
    }
    Ok(cut.freed())
}

/// The first turn that had not ended when the session's head was `head`.
async fn first_open_turn(log: &dyn SessionLog, session: &SessionId, head: Seq) -> Result<Option<Seq>, LogError> {
    let mut open = OpenTurns::default();
    let mut cursor = 0;
    loop {
        let records = log.read(session, cursor, STEP, Filter::Control).await?;
        for record in &records {
            if record.seq > head {
                return Ok(open.first());
            }
            open.take(record);
            cursor = record.seq;
        }
        if records.is_empty() {
            return Ok(open.first());
        }
    }
}
