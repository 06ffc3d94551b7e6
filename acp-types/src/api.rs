//! The session API of a bridge: JSON-RPC 2.0 at `/rpc`, over WebSocket or HTTP POST.
//!
//! [`SessionApiClient`] is the typed client; it works on any client of jsonrpsee, [`connect`] makes one over WebSocket.
//! [`Follow`] keeps a subscription going from its cursor. What the methods are is said once, in [`METHODS`]; the OpenRPC
//! document [`OPENRPC`] is generated from it and from the types.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use acp_types::api::{self, Event, Follow, SessionApiClient};
//! use acp_types::RawBuf;
//!
//! let client = api::connect("http://127.0.0.1:4477").await?;
//! let session = client.session_create("/tmp".into(), None, None, None, None).await?.session;
//! let prompt = RawBuf::parse(r#"[{"type":"text","text":"hello"}]"#)?;
//! let turn = client.session_prompt(session.clone(), prompt, Some("key-1".into()), None, None, None).await?.turn;
//! let mut follow = Follow::new(client, session, 0);
//! while let Event::Records(records) = follow.next().await? {
//!     for record in records {
//!         println!("{} {}", record.seq, record.kind);
//!     }
//! }
//! # let _ = turn;
//! # Ok(())
//! # }
//! ```

mod client;
mod details;
mod event;
mod follow;
mod lane;
mod methods;
#[cfg(feature = "schema")]
mod openrpc;
mod rpc;
mod session;
mod turn;

pub use jsonrpsee;

pub use client::{ConnectError, connect};
pub use details::Details;
pub use event::{CaughtUp, Closed, Event, Fault};
pub use follow::{Follow, FollowError};
pub use lane::{Lane, Lanes};
pub use methods::{METHODS, Method, Param, Shape};
#[cfg(feature = "schema")]
pub use openrpc::document;
pub use rpc::SessionApiClient;
#[cfg(feature = "api-server")]
pub use rpc::SessionApiServer;
pub use session::{Child, Created, Deleted, Exported, Head, Page, Pending, Records, Session, SessionView, Stopping};
pub use turn::{Accepted, Answered, CancelScope, Done, OnBusy, Queue, Waited};

/// The OpenRPC document of the API: what `rpc.discover` answers.
pub const OPENRPC: &str = include_str!("../schema/openrpc.json");

/// Path at which a bridge serves the API.
pub const PATH: &str = "/rpc";
