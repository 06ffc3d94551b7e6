//! Authentication of whoever makes a request, from its head.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::WWW_AUTHENTICATE;
use axum::http::{StatusCode, request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::service::Principal;

/// Makes the principal of a request from its head: method, path, headers, and what the connection has left in the
/// extensions. It is asked once for each request; a WebSocket keeps the principal of its handshake.
#[derive(Clone)]
pub struct Authenticate(Arc<Rule>);

type Rule = dyn Fn(&request::Parts) -> Result<Arc<Principal>, Unauthenticated> + Send + Sync;

/// Reason why a request is nobody's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
#[non_exhaustive]
pub struct Unauthenticated {
    /// The missing or wrong part, and what to do. It is sent to whoever asked.
    pub why: String,
}

impl Unauthenticated {
    /// Refuses with what is missing or wrong, and what to do.
    #[must_use]
    pub fn because(why: impl Into<String>) -> Self {
        Self { why: why.into() }
    }
}

impl Authenticate {
    /// Asks this function.
    pub fn by(
        rule: impl Fn(&request::Parts) -> Result<Arc<Principal>, Unauthenticated> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(rule))
    }

    /// Takes everybody for the same principal.
    #[must_use]
    pub fn everybody_as(principal: Principal) -> Self {
        let principal = Arc::new(principal);
        Self::by(move |_| Ok(Arc::clone(&principal)))
    }
}

/// Admin for everybody who can connect: the gateway listens on loopback only.
impl Default for Authenticate {
    fn default() -> Self {
        Self::everybody_as(Principal::admin("local"))
    }
}

impl fmt::Debug for Authenticate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticate").finish_non_exhaustive()
    }
}

impl IntoResponse for Unauthenticated {
    fn into_response(self) -> Response {
        (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], format!("{}\n", self.why)).into_response()
    }
}

/// Puts the principal of a request among its extensions, or answers that it has none.
pub(super) async fn by_head(State(authenticate): State<Authenticate>, request: Request, next: Next) -> Response {
    let (mut head, body) = request.into_parts();
    match authenticate.0(&head) {
        Ok(principal) => {
            head.extensions.insert(principal);
            next.run(Request::from_parts(head, body)).await
        }
        Err(unauthenticated) => {
            tracing::warn!(path = head.uri.path(), "a request is nobody's and was refused");
            unauthenticated.into_response()
        }
    }
}
