//! The sessions that a connection follows: each waits for its next records.

use std::collections::HashMap;
use std::fmt;
use std::future::pending;
use std::hash::Hash;

use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, Aborted, BoxFuture};
use futures_util::stream::FuturesUnordered;

/// One future for each session that is followed, by its name. `T` is what following has come to.
pub(super) struct Tails<K, T> {
    waiting: FuturesUnordered<Abortable<BoxFuture<'static, T>>>,
    following: HashMap<K, AbortHandle>,
}

impl<K: Copy + Eq + Hash, T: Send + 'static> Tails<K, T> {
    /// Creates a set that follows nothing.
    pub(super) fn new() -> Self {
        let waiting = FuturesUnordered::new();
        // The set has its task polled again at once whenever it has polled all of its futures, which costs the wake-up of
        // another thread for each record of a connection that follows one session. With one that never wakes, it has not.
        waiting.push(Abortable::new(Box::pin(pending()) as BoxFuture<'static, T>, AbortHandle::new_pair().1));
        Self { waiting, following: HashMap::new() }
    }

    /// Waits for what comes next of an attachment.
    pub(super) fn follow(&mut self, id: K, next: BoxFuture<'static, T>) {
        let (handle, registration) = AbortHandle::new_pair();
        self.following.insert(id, handle);
        self.waiting.push(Abortable::new(next, registration));
    }

    /// Stops following an attachment; nothing more comes of it.
    pub(super) fn stop(&mut self, id: K) {
        if let Some(handle) = self.following.remove(&id) {
            handle.abort();
        }
    }

    /// Forgets an attachment whose following has ended by itself.
    pub(super) fn ended(&mut self, id: K) {
        self.following.remove(&id);
    }

    pub(super) fn is_following(&self, id: K) -> bool {
        self.following.contains_key(&id)
    }

    /// Waits for what one of them comes to; for ever while there is none. Cancel-safe.
    pub(super) async fn next(&mut self) -> T {
        loop {
            match self.waiting.next().await {
                Some(Ok(come)) => return come,
                Some(Err(Aborted)) => {}
                None => return pending().await,
            }
        }
    }

    /// Stops following all of them.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl<K, T> fmt::Debug for Tails<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tails").field("following", &self.following.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    use super::Tails;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn who_waits_for_records_is_woken_when_they_come_and_not_before() {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        let count = || wakes.0.swap(0, Ordering::Relaxed);
        let mut tails = Tails::new();
        assert!(pin!(tails.next()).poll(&mut context).is_pending());
        count();
        for _ in 0..3 {
            let (sender, records) = oneshot::channel::<u8>();
            tails.follow(1, records.map(Result::unwrap_or_default).boxed());
            assert!(pin!(tails.next()).poll(&mut context).is_pending());
            assert_eq!(count(), 0, "there is nothing to come back for");
            sender.send(7).unwrap();
            assert_eq!(count(), 1);
            assert!(matches!(pin!(tails.next()).poll(&mut context), Poll::Ready(7)));
        }
    }

    #[test]
    fn nothing_comes_of_what_is_followed_no_longer() {
        let mut tails = Tails::new();
        tails.follow(1, std::future::ready(1).boxed());
        tails.follow(2, std::future::ready(2).boxed());
        tails.stop(1);
        assert!(!tails.is_following(1) && tails.is_following(2));
        let come: Vec<_> = std::iter::from_fn(|| tails.next().now_or_never()).collect();
        assert_eq!(come, [2]);
    }
}
