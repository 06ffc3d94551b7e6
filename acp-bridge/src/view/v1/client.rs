//! One client: what it said of itself at `initialize`, and what follows from it.

use std::sync::Arc;

use acp_server::proto::{Incoming, IncomingNotification};
use acp_types::method::v1;
use acp_types::{Raw, RawBuf, SessionId, capability};

use super::children::{child_of_attached, without_references};
use super::client_capabilities::ClientCapabilities;
use super::params::{Params, fits};
use super::request::Asked;
use super::screen::{Earlier, Screen, Sight};
use super::{methods, notification};
use crate::view::error::RequestError;
use crate::view::history::Replay;
use crate::view::request::{About, Notification, Request};

/// A client that speaks version 1.
#[derive(Debug)]
pub(crate) struct Client {
    /// Names its connection in logs.
    client: Arc<str>,
    initialize: RawBuf,
    capabilities: ClientCapabilities,
}

impl Client {
    pub(crate) fn new(client: Arc<str>) -> Self {
        Self { client, initialize: Raw::EMPTY_OBJECT.to_owned(), capabilities: ClientCapabilities::default() }
    }

    pub(crate) fn greeted(&mut self, initialize: RawBuf) {
        self.capabilities = ClientCapabilities::read(initialize.as_raw());
        self.initialize = initialize;
    }

    pub(crate) fn info(&self) -> Option<RawBuf> {
        let info = self.initialize.as_raw().member("clientInfo");
        info.filter(|info| fits(*info)).map(Raw::to_owned)
    }

    pub(crate) fn can_be_asked(&self, method: &str) -> bool {
        capability::client_answers(self.initialize.as_raw(), method)
    }

    pub(crate) fn asking(&self, params: RawBuf) -> RawBuf {
        if self.capabilities.subagents {
            return params;
        }
        without_references(params.as_raw(), "toolCall").unwrap_or(params)
    }

    pub(crate) fn about(request: &Incoming, attached: &dyn Fn(&SessionId) -> bool) -> About {
        let session = Params::new(request.params()).session().ok();
        let is_attached = session.as_ref().is_some_and(attached);
        About { operation: methods::operation(request.method(), session.is_some(), is_attached), session }
    }

    pub(crate) fn request(
        &self,
        request: &Incoming,
        attached: &dyn Fn(&SessionId) -> bool,
    ) -> Result<Request, RequestError> {
        let params = Params::new(request.params());
        if let Some(child) = params.session().ok().and_then(|session| child_of_attached(session, attached)) {
            return Err(RequestError::Params(format!(
                "session {child} is a child session: its agent runs it, and {} is all that a client may ask of it",
                v1::Cancel::NAME
            )));
        }
        let asked = Asked { initialize: &self.initialize, params, attached };
        methods::read(request.method(), asked)
    }

    pub(crate) fn notification(
        &self,
        notification: &IncomingNotification,
        attached: &dyn Fn(&SessionId) -> bool,
    ) -> Option<Notification> {
        notification::read(&self.client, notification.method(), Params::new(notification.params()), attached)
    }

    pub(crate) fn earlier(&self) -> Earlier {
        Earlier::new(self.sight())
    }

    pub(crate) fn screen(&self, session: SessionId, earlier: Earlier, replay: Replay) -> Screen {
        Screen::new(session, self.sight(), earlier, replay)
    }

    fn sight(&self) -> Sight {
        Sight { client: Arc::clone(&self.client), capabilities: self.capabilities }
    }
}
