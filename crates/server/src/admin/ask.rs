//! One request to the admin listener: HTTP/1.1 over TCP or a Unix socket, a connection for each.
//!
//! 1. It takes at most [`TIMEOUT`], from connecting to the end of the body.
//! 2. A body has at most [`MAX_BODY`] bytes.

use std::{error::Error, io, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::bind::AdminBind;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Why the admin listener does not say how the server is.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no connection.
    #[error("no connection to it: is the server running, with this ADMIN_BIND?")]
    Connect(#[source] io::Error),
    /// The connection ended, or what is there does not speak HTTP.
    #[error("it did not answer by HTTP")]
    Http(#[from] hyper::Error),
    /// The body is broken off or too long.
    #[error("its answer cannot be read")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    /// It took too long.
    #[error("it did not answer within {} seconds", TIMEOUT.as_secs())]
    Timeout,
    /// It is no admin listener, or one of another version.
    #[error("it answers {path} with {status} and not as an admin listener does")]
    Unexpected {
        /// What it was asked for.
        path: &'static str,
        /// The status.
        status: StatusCode,
    },
}

/// What is answered to GET `path`.
pub(crate) async fn ask(
    place: &AdminBind,
    path: &'static str,
) -> Result<(StatusCode, String), AskError> {
    let asked = async {
        match place {
            AdminBind::Address(address) => {
                let stream = TcpStream::connect(address).await.map_err(AskError::Connect)?;
                ask_over(stream, &address.to_string(), path).await
            }
            AdminBind::Unix(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(AskError::Connect)?;
                ask_over(stream, "localhost", path).await
            }
        }
    };
    timeout(TIMEOUT, asked).await.unwrap_or(Err(AskError::Timeout))
}

async fn ask_over(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    host: &str,
    path: &'static str,
) -> Result<(StatusCode, String), AskError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with its sender.
    tokio::spawn(connection);
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.uri_mut() = http::Uri::from_static(path);
    if let Ok(host) = host.parse() {
        request.headers_mut().insert(header::HOST, host);
    }
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(AskError::Body)?.to_bytes();
    let text = String::from_utf8(body.into()).map_err(|error| AskError::Body(error.into()))?;
    Ok((status, text))
}
