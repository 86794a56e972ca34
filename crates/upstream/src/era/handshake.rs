//! The beginning of a connection.

use std::time::Duration;

use super::hello::{CLIENT_INFO, Era, FIRST_NEW, Hello, LAST_OLD, with_meta};
use crate::{
    CallContext,
    calls::{CallLimits, Connection, initialize_without_roots},
    link::Link,
    wire::{Message, MessageError, Object, items, unquote},
};

/// How a connection is to begin.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// `initialize` as this client said it, whose request this is. Its `initialized` follows when
    /// the client sends it.
    Client(Message),
    /// `initialize` and `initialized` in our own name, with every capability that a client can
    /// have (`roots` if the limits permit): a server may ask, and offers all it has.
    Old,
    /// `server/discover`.
    New,
    /// `server/discover`, and as [`Wanted::Old`] if the server does not know it. A server that
    /// exits because of it must be started again, with [`Wanted::Old`].
    Probe,
}

/// Why a connection could not begin.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server answered the first request with an error: its answer.
    #[error("the server answered the first request with an error")]
    Refused(Box<Message>),
    /// The server ended before it was ready, and says this.
    #[error("the server ended before it was ready: {0}")]
    Ended(String),
    /// It did not answer in time.
    #[error("the server did not answer within {0:?}")]
    Timeout(Duration),
    /// It speaks a revision that we do not know.
    #[error("the server speaks none of the revisions that are supported")]
    Revision,
    /// What we would send is no message.
    #[error("the first request is no JSON-RPC message")]
    Message(#[from] MessageError),
}

/// Begins a connection over `link`, and gives the server's answer to the first request with it.
/// A server has `timeout` for each step.
pub async fn connect(
    link: Link,
    wanted: Wanted,
    limits: CallLimits,
    timeout: Duration,
) -> Result<(Connection, Message), ConnectError> {
    connect_for(link, wanted, limits, timeout, None).await
}

/// The same on behalf of `caller`, if the server sees on whose behalf a message is.
pub async fn connect_for(
    link: Link,
    wanted: Wanted,
    limits: CallLimits,
    timeout: Duration,
    caller: Option<CallContext>,
) -> Result<(Connection, Message), ConnectError> {
    let connection = Connection::start(link, limits, caller);
    match wanted {
        Wanted::Client(initialize) => {
            let reduced = if limits.roots { None } else { initialize_without_roots(&initialize) };
            let initialize = reduced.unwrap_or(initialize);
            let answer = ask(&connection, &initialize, timeout).await?;
            begin(connection, Era::Old, answer)
        }
        Wanted::Old => initialize(connection, timeout, limits.roots).await,
        Wanted::New => {
            let answer = ask(&connection, &discover()?, timeout).await?;
            begin(connection, Era::New, answer)
        }
        // A server that says nothing is one of the old generation.
        Wanted::Probe => match ask(&connection, &discover()?, timeout / 3).await {
            Ok(answer) if is_discovery(&answer) => begin(connection, Era::New, answer),
            Err(ConnectError::Refused(answer)) if is_modern_refusal(&answer) => {
                Err(ConnectError::Revision)
            }
            // Whatever else it says, and even if it says nothing (MCP 2026-07-28, stdio).
            Ok(_) | Err(ConnectError::Refused(_) | ConnectError::Timeout(_)) => {
                initialize(connection, timeout, limits.roots).await
            }
            Err(error) => Err(error),
        },
    }
}

fn discover() -> Result<Message, MessageError> {
    let params = with_meta("{}")?;
    Message::request("0", "server/discover", Some(&params))
}

async fn initialize(
    connection: Connection,
    timeout: Duration,
    has_roots: bool,
) -> Result<(Connection, Message), ConnectError> {
    let roots = if has_roots { r#""roots":{"listChanged":true},"# } else { "" };
    let params = format!(
        "{{\"protocolVersion\":\"{LAST_OLD}\",\"capabilities\":{{{roots}\
         \"sampling\":{{}},\"elicitation\":{{\"form\":{{}},\"url\":{{}}}}}},\
         \"clientInfo\":{CLIENT_INFO}}}"
    );
    let request = Message::request("0", "initialize", Some(&params))?;
    let answer = ask(&connection, &request, timeout).await?;
    let begun = begin(connection, Era::Old, answer)?;
    begun.0.notify(Message::notification("notifications/initialized", None)?).await;
    Ok(begun)
}

/// The answer to the first request, if it is a result.
async fn ask(
    connection: &Connection,
    request: &Message,
    timeout: Duration,
) -> Result<Message, ConnectError> {
    let answer = tokio::time::timeout(timeout, connection.last(request)).await;
    let answer = answer.map_err(|_| ConnectError::Timeout(timeout))?;
    match answer {
        Some(answer) if answer.result().is_some() => Ok(answer),
        Some(answer) if connection.is_closed() => {
            let error = Object::parse(answer.error().unwrap_or_default()).unwrap_or_default();
            Err(ConnectError::Ended(error.text("message").unwrap_or_default().into_owned()))
        }
        Some(answer) => Err(ConnectError::Refused(Box::new(answer))),
        None => Err(ConnectError::Ended(String::new())),
    }
}

/// The connection, if the server speaks a revision of this generation.
fn begin(
    connection: Connection,
    era: Era,
    answer: Message,
) -> Result<(Connection, Message), ConnectError> {
    let hello = Hello::new(era, answer.result().unwrap_or("{}"));
    let is_known = hello.revisions().iter().any(|revision| Era::of(revision) == era);
    if is_known { Ok((connection.begun(hello), answer)) } else { Err(ConnectError::Revision) }
}

/// Whether an answer is a result of `server/discover`, and not of whatever a server makes of it.
fn is_discovery(answer: &Message) -> bool {
    let result = Object::parse(answer.result().unwrap_or_default()).unwrap_or_default();
    let supported = result.items("supportedVersions").unwrap_or_default();
    supported.iter().any(|json| unquote(json).is_some_and(|revision| *revision >= *FIRST_NEW))
}

/// Whether a server says that it supports other revisions (−32022), and only such as are newer than
/// ours: one that names older ones can be spoken to with `initialize`.
fn is_modern_refusal(answer: &Message) -> bool {
    let error = Object::parse(answer.error().unwrap_or_default()).unwrap_or_default();
    if error.get("code") != Some("-32022") {
        return false;
    }
    let data = error.object("data").unwrap_or_default();
    let supported = items(data.get("supported").unwrap_or("[]")).unwrap_or_default();
    !supported
        .iter()
        .any(|json| unquote(json).is_some_and(|revision| Era::of(&revision) == Era::Old))
}
