//! The session API at `/rpc`: JSON-RPC for those who want the log itself. What its methods are is in
//! [`acp_types::api::METHODS`]; the manual is `docs/session-api.md`.
//!
//! The methods are jsonrpsee's: registered from the trait that the client is generated from, with its subscriptions and
//! error objects. What carries them is ours: jsonrpsee's own server starts a task for every message that it reads,
//! however many wait, and cannot let go of a client that does not read. Here a connection is the same as at `/acp`, with
//! its bounds and its way to say goodbye.
//!
//! | File | Is |
//! |---|---|
//! | `methods` | what each method does: adding one touches the trait, the table and this |
//! | `subscription` | a session from a cursor, as notifications |
//! | `attend` | a subscription that is there to answer |
//! | `call` | from a message to its method |
//! | `socket`, `post` | the two ways in |
//! | `params` | params whose type does not say all |
//! | `fault` | errors that name the param |

mod attend;
mod call;
mod fault;
mod methods;
mod params;
mod post;
mod socket;
mod subscription;
mod view;

use acp_types::api::SessionApiServer;

pub(super) use self::call::Rpc;
pub(super) use self::post::{post, usage};
pub(super) use self::socket::{bounds, serve};
use crate::service::SessionService;

/// The methods on a service, for every connection.
pub(super) fn on(service: SessionService) -> Rpc {
    Rpc::new(methods::Api { service }.into_rpc().into())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use acp_types::api::METHODS;

    use crate::command::Commander;
    use crate::log::MemoryLog;
    use crate::service::SessionService;
    use crate::service::follower::{Followers, LookedFor};

    #[test]
    fn what_is_served_is_what_the_table_says() {
        let log = Arc::new(MemoryLog::new());
        let commander = Commander::new(Arc::clone(&log) as _, crate::vault::shared(), "g".into());
        let followers = Followers::new(Arc::clone(&log) as _, LookedFor::default());
        let rpc = super::on(SessionService::new(log, commander, followers));
        let served: BTreeSet<&str> = rpc.method_names().collect();
        let ends = METHODS.iter().filter_map(|method| method.subscription).map(|(end, _)| end);
        let described: BTreeSet<&str> = METHODS.iter().map(|method| method.name).chain(ends).collect();
        assert_eq!(served, described);
    }
}
