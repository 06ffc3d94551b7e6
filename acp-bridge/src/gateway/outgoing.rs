//! Outgoing side of a connection: what waits to be written, in order, and whose answers are awaited.

use std::collections::HashMap;
use std::sync::Arc;

use acp_server::proto::RequestKey;
use acp_server::{Closed, HOP, Outbox};
use acp_types::record::Seq;
use acp_types::{Raw, RawBuf, RawError, RequestId, SessionId};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::trace;

use super::prompts::PendingPrompts;
use crate::view::{self, News, RequestError, Response, Sink, View};

/// Bytes of answers that may wait to be written before the client is no longer listened to.
const MAX_UNWRITTEN: usize = 256 * 1024;

/// Item to write.
#[derive(Debug)]
pub(super) enum Item {
    /// Notifications, ready for the wire.
    Frames(Vec<Bytes>),
    /// Answer to a request of the client.
    Respond { id: RequestId, outcome: Result<RawBuf, RawError> },
    /// Request to the client.
    Request { key: RequestKey, method: Arc<str>, params: RawBuf },
    /// Cancel of a request: the client need not answer it any more.
    Cancel(RequestKey),
}

/// Request that the client was sent on behalf of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) session: SessionId,
    /// Seq of the record that asks.
    pub(super) request: Seq,
    /// Flag: it was asked again under another key. A result still counts; an error only says that the client obeyed.
    pub(super) withdrawn: bool,
}

/// Output of one connection, and the requests that are open in either direction.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// Id under which this connection appears in logs.
    pub(super) client: Arc<str>,
    /// View that reads and writes for the client.
    pub(super) view: Box<dyn View>,
    /// Prompts of the client that are not answered.
    pub(super) prompts: PendingPrompts,
    /// Requests of agents that the client has not answered.
    asked: HashMap<RequestKey, Asked>,
    /// Key of the next request. Only this connection sends requests on its link, so it numbers them itself.
    next_key: u64,
    items: Vec<Item>,
    /// Buffer that frames are cut from, many to one allocation.
    buffer: BytesMut,
    bytes: usize,
}

impl Outgoing {
    pub(super) fn new(client: Arc<str>) -> Self {
        Self {
            view: view::of(Arc::clone(&client)),
            client,
            prompts: PendingPrompts::default(),
            asked: HashMap::new(),
            next_key: 1,
            items: Vec::new(),
            buffer: BytesMut::new(),
            bytes: 0,
        }
    }

    /// Tells something about a session.
    pub(super) fn tell(&mut self, session: &SessionId, news: &News<'_>) {
        if let Some((method, params)) = self.view.tell(session, news) {
            self.frame(Bytes::from(acp_types::frame::notification(method, Some(params.as_raw()))));
        }
    }

    /// Answers a request of the client.
    pub(super) fn respond(&mut self, id: RequestId, response: Response<'_>) {
        let outcome = self.view.respond(response);
        self.answer(id, outcome);
    }

    /// Answers a request of the client with why it does not get what it asks for.
    pub(super) fn refuse(&mut self, id: RequestId, why: &RequestError) {
        let error = self.view.refuse(why);
        self.answer(id, Err(error));
    }

    fn answer(&mut self, id: RequestId, outcome: Result<RawBuf, RawError>) {
        self.bytes += match &outcome {
            Ok(result) => result.as_str().len(),
            Err(error) => error.as_raw().as_str().len(),
        };
        self.items.push(Item::Respond { id, outcome });
    }

    /// Sends the client a request of an agent, unless it is one that the client cannot answer.
    pub(super) fn ask(&mut self, session: &SessionId, request: Seq, method: &Arc<str>, params: Option<&RawBuf>) {
        if !self.view.can_be_asked(method) {
            return;
        }
        let key = RequestKey(self.next_key);
        self.next_key += 1;
        self.asked.insert(key, Asked { session: session.clone(), request, withdrawn: false });
        let params = params.cloned().unwrap_or_else(|| Raw::EMPTY_OBJECT.to_owned());
        self.bytes += params.as_str().len();
        self.items.push(Item::Request { key, method: Arc::clone(method), params });
    }

    /// Cancels a request that was answered by somebody or by nobody: the client need not any more.
    pub(super) fn resolved(&mut self, session: &SessionId, request: Seq) {
        self.cancel(|asked| asked.request == request && asked.session == *session, true);
    }

    /// Cancels the requests of a session that is detached: nothing that the client answers reaches it.
    pub(super) fn drop_session(&mut self, session: &SessionId) {
        self.cancel(|asked| asked.session == *session, true);
    }

    /// Withdraws the requests of a session that is attached anew: what is pending will be asked again.
    pub(super) fn withdraw_session(&mut self, session: &SessionId) {
        self.cancel(|asked| asked.session == *session, false);
    }

    fn cancel(&mut self, which: impl Fn(&Asked) -> bool, forget: bool) {
        let mut keys: Vec<_> = self.asked.iter().filter(|(_, asked)| which(asked)).map(|(&key, _)| key).collect();
        keys.sort_unstable_by_key(|key| key.0);
        for key in keys {
            let Some(asked) = self.asked.get_mut(&key) else { continue };
            if !asked.withdrawn {
                asked.withdrawn = true;
                self.items.push(Item::Cancel(key));
            }
            if forget {
                self.asked.remove(&key);
            }
        }
    }

    /// Takes a request that the client has answered, or will not answer.
    pub(super) fn answered(&mut self, key: RequestKey) -> Option<Asked> {
        self.asked.remove(&key)
    }

    /// Returns whether there is room for more to be written.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < MAX_UNWRITTEN
    }

    /// Writes everything, oldest first; `None` if there is nothing.
    pub(super) fn write(&mut self, outbox: &Outbox) -> Option<BoxFuture<'static, Result<(), Closed>>> {
        let items = self.take();
        if items.is_empty() {
            return None;
        }
        trace!(name: "rendered", target: HOP, "");
        Some(write(outbox.clone(), items).boxed())
    }

    /// Takes everything to write, oldest first.
    pub(super) fn take(&mut self) -> Vec<Item> {
        self.bytes = 0;
        std::mem::take(&mut self.items)
    }
}

async fn write(outbox: Outbox, items: Vec<Item>) -> Result<(), Closed> {
    for item in items {
        match item {
            Item::Frames(frames) => outbox.frames(frames).await?,
            Item::Respond { id, outcome } => outbox.respond_raw(id, outcome).await?,
            Item::Request { key, method, params } => outbox.request_as(key, &method, params).await?,
            Item::Cancel(key) => outbox.cancel(key).await?,
        }
    }
    Ok(())
}

impl Sink for Outgoing {
    fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    fn frame(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        match self.items.last_mut() {
            Some(Item::Frames(frames)) => frames.push(frame),
            _ => self.items.push(Item::Frames(vec![frame])),
        }
    }
}
