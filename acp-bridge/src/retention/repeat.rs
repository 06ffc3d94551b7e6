//! One pass after the other.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Shortest time between passes.
const SHORTEST: Duration = Duration::from_millis(50);

/// Makes a pass time and again until it is stopped, first at once. A pass that is under way then is cut short.
pub(super) async fn repeat<F: Future<Output = ()>>(
    every: Duration,
    stop: CancellationToken,
    mut pass: impl FnMut() -> F,
) {
    let passes = async {
        loop {
            pass().await;
            tokio::time::sleep(every.max(SHORTEST)).await;
        }
    };
    stop.run_until_cancelled(passes).await;
}
