//! The questions that a client has to answer.

use std::collections::HashMap;

use acp_server::ClientPeer;
use acp_types::method::v1 as method;
use futures_util::StreamExt;
use futures_util::future::{AbortHandle, Abortable, BoxFuture, FutureExt};
use futures_util::stream::FuturesUnordered;

use crate::translate::{AskId, Question, Reply};

/// The questions of one session that have no answer.
#[derive(Default)]
pub(super) struct Questions {
    open: FuturesUnordered<BoxFuture<'static, (AskId, Option<Reply>)>>,
    withdrawals: HashMap<AskId, AbortHandle>,
}

impl Questions {
    /// Asks the client. Returns its answer if it is known at once.
    pub(super) fn ask(&mut self, client: &ClientPeer, ask: AskId, question: Question) -> Option<Reply> {
        let (abort, registration) = AbortHandle::new_pair();
        let asked = Abortable::new(put(client.clone(), question), registration);
        let mut answered = asked.map(move |reply| (ask, reply.ok())).boxed();
        // Polled at once, so that the question is in the queue to the client before what follows it.
        if let Some((_, reply)) = (&mut answered).now_or_never() {
            return reply;
        }
        self.withdrawals.insert(ask, abort);
        self.open.push(answered);
        None
    }

    /// Answers a question that cannot be asked.
    pub(super) fn fail(&mut self, ask: AskId) {
        self.open.push(std::future::ready((ask, Some(Reply::Failed))).boxed());
    }

    /// Takes a question back from the client.
    pub(super) fn withdraw(&mut self, ask: AskId) {
        if let Some(abort) = self.withdrawals.remove(&ask) {
            abort.abort();
        }
    }

    /// True if no question is open.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Waits for the next answer. The reply is `None` if the question was taken back.
    pub(super) async fn next(&mut self) -> Option<(AskId, Option<Reply>)> {
        let (ask, reply) = self.open.next().await?;
        self.withdrawals.remove(&ask);
        Some((ask, reply))
    }
}

/// Asks the client. Dropping the future takes the question back.
async fn put(client: ClientPeer, question: Question) -> Reply {
    let reply = match question {
        Question::Permission(question) => {
            client.request_permission(question).await.map(|response| Reply::Permission(response.outcome))
        }
        Question::Form(question) => client.peer().call::<method::CreateElicitation>(&question).await.map(Reply::Form),
    };
    reply.unwrap_or_else(|error| {
        tracing::info!(%error, "a question to the client has no answer");
        Reply::Failed
    })
}
