//! Letting go of whole sessions that nobody uses.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::repeat::repeat;
use crate::command::{self, By};
use crate::log::{ListQuery, LogError, SessionInfo, SessionLog};
use crate::principal::Principal;
use crate::session::Command;

/// Name of a deletion by age in logs of the bridge.
const WHO: &str = "retention";

/// Deletes sessions that were not used for so long, time and again until it is stopped, first at once. `now` is the clock.
///
/// A pass that fails is logged, and the next one tries again.
pub async fn keep_used(
    log: &dyn SessionLog,
    age: Duration,
    every: Duration,
    now: impl Fn() -> u64 + Send,
    stop: CancellationToken,
) {
    let once = move || {
        let now = now();
        async move {
            match delete_idle(log, age, now).await {
                Ok(0) => {}
                Ok(sessions) => tracing::info!(sessions, "sessions that nobody used were deleted"),
                Err(error) => tracing::warn!(%error, "sessions that nobody uses cannot be deleted now"),
            }
        }
    };
    repeat(every, stop, once).await;
}

/// Deletes every session whose newest record is older than `age`, that has no open turn, and that nobody follows or
/// attends; how many. It is the log's host that does it, since it alone knows that nothing is about to happen. `now` is in
/// the unit of [`acp_types::record::Record::at`].
///
/// # Errors
/// When the log cannot be listed. A session that the host does not delete stays until the next pass.
pub async fn delete_idle(log: &dyn SessionLog, age: Duration, now: u64) -> Result<u64, LogError> {
    let before = now.saturating_sub(u64::try_from(age.as_micros()).unwrap_or(u64::MAX));
    let mut query = ListQuery::default();
    let mut deleted = 0;
    loop {
        let page = match log.list(query.clone()).await {
            Ok(page) if page.is_empty() => return Ok(deleted),
            Ok(page) => page,
            // Somebody else deleted the session that the next page comes after; the next pass sees the rest.
            Err(LogError::NotFound { .. }) => return Ok(deleted),
            Err(error) => return Err(error),
        };
        for info in page {
            if is_idle(log, &info, before).await? && delete(log, &info).await {
                deleted += 1;
            } else {
                // Those that are gone name no page.
                query.after = Some(info.id);
            }
        }
    }
}

async fn is_idle(log: &dyn SessionLog, info: &SessionInfo, before: u64) -> Result<bool, LogError> {
    Ok(info.updated_at < before && info.open_turns == 0 && !log.is_followed(&info.id).await?)
}

async fn delete(log: &dyn SessionLog, info: &SessionInfo) -> bool {
    let command = Command::DeleteIdle { head: info.head };
    // Nothing in it is a secret.
    let vault = crate::vault::shared();
    let by = By { principal: Arc::new(Principal::admin(WHO)), client: WHO.into() };
    match command::submit(log, &*vault, &WHO.into(), by, Some(info.id.clone()), command).await {
        Ok(_) => true,
        Err(why) => {
            tracing::debug!(session = %info.id, %why, "a session that looked unused stays");
            false
        }
    }
}
