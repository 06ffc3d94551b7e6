//! The tester as a server, for clients that connect to their agent.

mod http;
mod names;
mod socket;

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::open::Link;

/// Transport on which a client is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Offer {
    /// Over WebSocket, and nothing else.
    Socket,
    /// Over streamable HTTP, and nothing else.
    Http,
}

/// A loopback port where a client is waited for.
pub(crate) struct Port {
    listener: TcpListener,
    address: SocketAddr,
    offer: Offer,
}

impl Port {
    /// A free port.
    pub(crate) async fn open(offer: Offer) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, offer })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let scheme = match self.offer {
            Offer::Socket => "ws",
            Offer::Http => "http",
        };
        format!("{scheme}://{}/acp", self.address)
    }

    /// Waits for a client, which is served until the link is dropped or it is gone.
    pub(crate) async fn wait(self, gone: impl Future<Output = ()> + Send + 'static) -> io::Result<Link> {
        match self.offer {
            // A socket says itself that it is gone.
            Offer::Socket => socket::wait(self.listener).await,
            Offer::Http => http::wait(self.listener, gone).await,
        }
    }
}
