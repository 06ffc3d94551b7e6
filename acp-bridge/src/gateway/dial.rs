//! Agents that dial in: the gateway carries their frames, and looks at no more than the first.

use std::time::Duration;

use acp_server::transport::ws;
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::driver::Context;
use crate::remote_agent::protocol::Frame;
use crate::remote_agent::transport::{IncomingAgent, Socket, frame_limit, pair};

/// How long a dialler may take to say hello.
const HELLO: Duration = Duration::from_secs(10);

/// Carries the frames of one dialler until it or the gateway goes.
pub(super) async fn serve(upgraded: Upgraded, context: Context) {
    let Ok(Parts { io, read_buf, .. }) = upgraded.downcast::<TokioIo<TcpStream>>() else {
        tracing::warn!("a dialler came over something that is no TCP connection");
        return;
    };
    let limit = frame_limit(context.config.max_message);
    let settings = Some(ws::config(limit));
    let stream = WebSocketStream::from_partially_read(io.into_inner(), read_buf.into(), Role::Server, settings).await;
    let (socket, carrier) = pair();
    let carried = carrier.run(ws::Socket::from_stream(stream, limit), limit, context.shutdown.clone());
    tokio::join!(carried, hand_over(socket, &context));
}

async fn hand_over(mut socket: Socket, context: &Context) {
    let first = timeout(HELLO, socket.next()).await;
    let Ok(Some(first)) = first else {
        tracing::warn!("a dialler left before its hello, or did not say it in {} s", HELLO.as_secs());
        return;
    };
    match Frame::parse(&first) {
        Ok(Frame::Hello(hello)) => {
            let offer = IncomingAgent { hello: *hello, socket };
            match &context.config.agents {
                Some(door) => door.hand_in(offer),
                None => offer.refuse("this bridge has no host that agents can dial in to", false),
            }
        }
        Ok(_) => tracing::warn!("a dialler did not begin with a hello"),
        Err(error) => tracing::warn!(%error, "a dialler said what is no frame"),
    }
}
