//! An ACP client that shows a test everything and decides nothing.

use std::sync::Arc;

use acp_server::types::{Raw, RawBuf, v1};
use acp_server::{Answer, Client, ClientContext};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::soon;

/// What the agent did, in order.
#[derive(Debug)]
pub(crate) enum Event {
    /// A `session/update`, with its session.
    Update(v1::SessionId, Box<v1::SessionUpdate>),
    /// It asks for permission.
    Asked(Asked),
    /// It asks with a form.
    Form(Form),
    /// It took a question back: the tool call of the permission, or the message of the form.
    Withdrawn(String),
    /// Anything else.
    Other(String, Option<RawBuf>),
}

/// An open permission request.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) request: v1::RequestPermissionRequest,
    reply: oneshot::Sender<v1::RequestPermissionOutcome>,
}

impl Asked {
    /// The options' kinds, in order.
    pub(crate) fn kinds(&self) -> Vec<v1::PermissionOptionKind> {
        self.request.options.iter().map(|option| option.kind).collect()
    }

    /// Chooses the first option of a kind.
    pub(crate) fn choose(self, kind: v1::PermissionOptionKind) {
        let option = self.request.options.iter().find(|option| option.kind == kind);
        let option = option.unwrap_or_else(|| panic!("no option of kind {kind:?} in {:?}", self.request.options));
        let chosen = v1::SelectedPermissionOutcome::new(option.option_id.clone());
        self.answer(v1::RequestPermissionOutcome::Selected(chosen));
    }

    /// Chooses the option whose name contains a text.
    pub(crate) fn choose_named(self, text: &str) {
        let option = self.request.options.iter().find(|option| option.name.contains(text));
        let option = option.unwrap_or_else(|| panic!("no option with {text:?} in {:?}", self.request.options));
        let chosen = v1::SelectedPermissionOutcome::new(option.option_id.clone());
        self.answer(v1::RequestPermissionOutcome::Selected(chosen));
    }

    /// Answers.
    pub(crate) fn answer(self, outcome: v1::RequestPermissionOutcome) {
        // The agent may have taken it back.
        let _ = self.reply.send(outcome);
    }
}

/// An open form.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) request: v1::CreateElicitationRequest,
    reply: oneshot::Sender<v1::CreateElicitationResponse>,
}

impl Form {
    /// Answers.
    pub(crate) fn answer(self, response: v1::CreateElicitationResponse) {
        // The agent may have taken it back.
        let _ = self.reply.send(response);
    }
}

/// What the client saw, for the test to take one by one.
#[derive(Debug)]
pub(crate) struct Events {
    receiver: mpsc::UnboundedReceiver<Event>,
    /// Everything taken so far, as text, for messages of failed tests.
    pub(crate) seen: Vec<String>,
}

impl Events {
    /// The next event.
    pub(crate) async fn next(&mut self) -> Event {
        let seen = format!("another event after {:#?}", self.seen);
        let event = soon(&seen, self.receiver.recv()).await.expect("the agent is there");
        self.seen.push(format!("{event:?}"));
        event
    }

    /// The next update.
    pub(crate) async fn update(&mut self) -> v1::SessionUpdate {
        match self.next().await {
            Event::Update(_, update) => *update,
            other => panic!("an update, not {other:?}"),
        }
    }

    /// The next event for which `pick` has a value; those before it are dropped.
    pub(crate) async fn find<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(found) = pick(self.next().await) {
                return found;
            }
        }
    }

    /// The next permission request.
    pub(crate) async fn asked(&mut self) -> Asked {
        self.find(|event| if let Event::Asked(asked) = event { Some(asked) } else { None }).await
    }

    /// The next form.
    pub(crate) async fn form(&mut self) -> Form {
        self.find(|event| if let Event::Form(form) = event { Some(form) } else { None }).await
    }

    /// Waits until the agent's text since the last call contains `text`.
    pub(crate) async fn said(&mut self, text: &str) {
        let mut said = String::new();
        self.find(|event| {
            if let Event::Update(_, update) = event
                && let v1::SessionUpdate::AgentMessageChunk(chunk) = *update
                && let v1::ContentBlock::Text(part) = chunk.content
            {
                said.push_str(&part.text);
            }
            said.contains(text).then_some(())
        })
        .await;
    }

    /// What is there already, without waiting. After an answer all that came before it is.
    pub(crate) fn drain(&mut self) -> Vec<Event> {
        let mut all = Vec::new();
        while let Ok(event) = self.receiver.try_recv() {
            self.seen.push(format!("{event:?}"));
            all.push(event);
        }
        all
    }

    /// The updates among [`Events::drain`].
    pub(crate) fn updates(&mut self) -> Vec<v1::SessionUpdate> {
        let updates = self.drain().into_iter();
        updates.filter_map(|event| if let Event::Update(_, update) = event { Some(*update) } else { None }).collect()
    }
}

/// The client's side of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Observer(Arc<Mutex<mpsc::UnboundedSender<Event>>>);

impl Observer {
    pub(crate) fn new() -> (Self, Events) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(Arc::new(Mutex::new(sender))), Events { receiver, seen: Vec::new() })
    }

    async fn say(&self, event: Event) {
        // The test may be over.
        let _ = self.0.lock().await.send(event);
    }
}

impl Client for Observer {
    async fn session_update(&self, event: v1::SessionNotification, _: &ClientContext) {
        self.say(Event::Update(event.session_id, Box::new(event.update))).await;
    }

    async fn request_permission(
        &self,
        request: v1::RequestPermissionRequest,
        context: &ClientContext,
    ) -> Answer<v1::RequestPermissionResponse> {
        let call = request.tool_call.tool_call_id.0.to_string();
        let (reply, answer) = oneshot::channel();
        self.say(Event::Asked(Asked { request, reply })).await;
        tokio::select! {
            answer = answer => {
                let outcome = answer.unwrap_or(v1::RequestPermissionOutcome::Cancelled);
                Ok(v1::RequestPermissionResponse::new(outcome))
            }
            () = context.cancelled() => {
                self.say(Event::Withdrawn(call)).await;
                Ok(v1::RequestPermissionResponse::new(v1::RequestPermissionOutcome::Cancelled))
            }
        }
    }

    async fn create_elicitation(
        &self,
        request: v1::CreateElicitationRequest,
        context: &ClientContext,
    ) -> Answer<v1::CreateElicitationResponse> {
        let message = request.message.clone();
        let (reply, answer) = oneshot::channel();
        self.say(Event::Form(Form { request, reply })).await;
        let cancelled = v1::CreateElicitationResponse::new(v1::ElicitationAction::Cancel);
        tokio::select! {
            answer = answer => Ok(answer.unwrap_or(cancelled)),
            () = context.cancelled() => {
                self.say(Event::Withdrawn(message)).await;
                Ok(cancelled)
            }
        }
    }

    async fn ext_notification(&self, method: &str, params: Option<Raw<'_>>, _: &ClientContext) {
        self.say(Event::Other(method.to_owned(), params.map(Raw::to_owned))).await;
    }
}
