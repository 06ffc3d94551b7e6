//! One client: what it said of itself at `initialize`, and what follows from it.

use std::sync::Arc;

use acp_server::proto::{Incoming, IncomingNotification, Payload, ResponseError};
use acp_types::{Raw, RawBuf, RawError, SessionId, capability};

use super::client_capabilities::ClientCapabilities;
use super::params::{Params, fits};
use super::request::{self, Asked};
use super::screen::{Screen, Sight};
use super::{error, news, notification, response};
use crate::view::contract::{self, IsAttached, View};
use crate::view::error::RequestError;
use crate::view::news::News;
use crate::view::request::{About, ClientAnswer, Notification, Request};
use crate::view::response::Response;

/// A client that speaks version 1.
#[derive(Debug)]
pub(crate) struct Client {
    /// Name of its connection in logs.
    client: Arc<str>,
    initialize: RawBuf,
    capabilities: ClientCapabilities,
}

impl Client {
    pub(crate) fn new(client: Arc<str>) -> Self {
        Self { client, initialize: Raw::EMPTY_OBJECT.to_owned(), capabilities: ClientCapabilities::default() }
    }
}

impl View for Client {
    fn greeted(&mut self, initialize: RawBuf) {
        self.capabilities = ClientCapabilities::read(initialize.as_raw());
        self.initialize = initialize;
    }

    fn client_info(&self) -> Option<RawBuf> {
        let info = self.initialize.as_raw().member("clientInfo");
        info.filter(|info| fits(*info)).map(Raw::to_owned)
    }

    fn about(&self, request: &Incoming, attached: IsAttached<'_>) -> About {
        let session = Params::new(request.params()).session().ok();
        let is_attached = session.as_ref().is_some_and(attached);
        About { operation: request::operation(request.method(), session.is_some(), is_attached), session }
    }

    fn request(&self, request: &Incoming, attached: IsAttached<'_>) -> Result<Request, RequestError> {
        let asked = Asked { initialize: &self.initialize, params: Params::new(request.params()), attached };
        request::read(request.method(), asked)
    }

    fn notification(&self, notification: &IncomingNotification, attached: IsAttached<'_>) -> Option<Notification> {
        notification::read(&self.client, notification.method(), Params::new(notification.params()), attached)
    }

    fn answer(&self, outcome: Result<Payload, ResponseError>) -> ClientAnswer {
        notification::answer_of(outcome)
    }

    fn can_be_asked(&self, method: &str) -> bool {
        capability::client_answers(self.initialize.as_raw(), method)
    }

    fn respond(&self, response: Response<'_>) -> Result<RawBuf, RawError> {
        response::respond(response)
    }

    fn refuse(&self, why: &RequestError) -> RawError {
        error::refuse(why)
    }

    fn tell(&self, session: &SessionId, news: &News<'_>) -> Option<(&'static str, RawBuf)> {
        news::tell(session, news)
    }

    fn screen(&self, session: SessionId) -> Box<dyn contract::Screen> {
        let sight = Sight { client: Arc::clone(&self.client), capabilities: self.capabilities };
        Box::new(Screen::new(session, sight))
    }
}
