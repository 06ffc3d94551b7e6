//! One request on a connection of its own, by HTTP/1.1 or HTTP/2.

use std::io::{Error, ErrorKind};

use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::ask::Ask;

/// Task that drives a connection. Dropping it closes the connection.
pub(super) struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request that was not answered.
enum Failure {
    /// By the version of HTTP, it seems: the other one may be understood.
    Foreign(Error),
    Other(Error),
}

/// Sends a request by HTTP/1.1, and by HTTP/2 with prior knowledge to a server that does not speak it; at once by HTTP/2 if
/// it is asked for.
pub(super) async fn send(url: &str, ask: &Ask<'_>) -> std::io::Result<(Response<Incoming>, Driver)> {
    if ask.http2 {
        return by_http2(url, ask).await;
    }
    match by_http1(url, ask).await {
        Ok(sent) => Ok(sent),
        Err(Failure::Foreign(error)) => by_http2(url, ask).await.map_err(|_| error),
        Err(Failure::Other(error)) => Err(error),
    }
}

async fn by_http1(url: &str, ask: &Ask<'_>) -> Result<(Response<Incoming>, Driver), Failure> {
    let (authority, path) = parts(url);
    let stream = connect(authority).await.map_err(Failure::Other)?;
    let request = request(ask, path, Some(authority)).map_err(Failure::Other)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(foreign)?;
    let driver = drive(connection);
    Ok((sender.send_request(request).await.map_err(foreign)?, driver))
}

async fn by_http2(url: &str, ask: &Ask<'_>) -> std::io::Result<(Response<Incoming>, Driver)> {
    let (authority, _) = parts(url);
    let stream = connect(authority).await?;
    let request = request(ask, url, None)?;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.map_err(Error::other)?;
    let driver = drive(connection);
    Ok((sender.send_request(request).await.map_err(Error::other)?, driver))
}

async fn connect(authority: &str) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) -> Driver {
    Driver(tokio::spawn(async move {
        // What breaks it shows at the request.
        let _ = connection.await;
    }))
}

fn request(ask: &Ask<'_>, uri: &str, host: Option<&str>) -> std::io::Result<Request<String>> {
    let mut request = Request::builder().method(ask.method).uri(uri);
    if let Some(host) = host {
        request = request.header("host", host);
    }
    for (name, value) in &ask.headers {
        request = request.header(*name, value);
    }
    request.body(ask.body.clone()).map_err(|error| Error::new(ErrorKind::InvalidInput, error))
}

/// Sorts errors: an answer in another version of HTTP, or a connection closed at once, is not understood.
fn foreign(error: hyper::Error) -> Failure {
    let strange = error.is_parse() || error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    let error = Error::other(error);
    if strange { Failure::Foreign(error) } else { Failure::Other(error) }
}

/// Host and port, and the path, of `http://HOST:PORT/PATH`.
pub(crate) fn parts(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn an_address_has_a_host_and_a_path() {
        assert_eq!(parts("http://127.0.0.1:80/acp/x"), ("127.0.0.1:80", "/acp/x"));
        assert_eq!(parts("http://localhost:1"), ("localhost:1", "/"));
    }
}
