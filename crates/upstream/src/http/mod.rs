//! HTTP to an MCP server that the operator has named: what the links over HTTP have in common.
//!
//! 1. `https`, or `http` to a loopback host; plain HTTP to another host only where the operator
//!    says so ([`UpstreamUrl`]).
//! 2. Certificates are verified by the system's authorities and by those of the operator's file
//!    ([`TlsRoots`]). The TLS library, its provider and its verifier are those of `outbound`.
//! 3. http/1.1, or http/2 where the server offers it by ALPN (RFC 7301). Streams that stay open
//!    always take http/1.1: over http/2 they would use up the streams that one connection may have
//!    (RFC 9113 §5.1.2), and calls would wait for them.
//! 4. A request is sent once. Only one of which no byte was written, because its pooled connection
//!    had just been closed, is sent over another connection.
//! 5. No redirect is followed, no proxy is used, no content coding is asked for.
//! 6. Connecting, the head of an answer and what a connection buffers have bounds
//!    ([`HttpLimits`]).
//!
//! **Invariant:** no header of a caller's request is sent. What is sent is `SentHeaders`: headers
//! that MCP defines, which a link fills from its messages, and what
//! [`credentials`](crate::credentials) adds, which comes from the operator's configuration.

mod answer;
mod client;
mod connector;
mod error;
mod headers;
mod limits;
mod parts;
mod resolver;
mod tls;
mod url;

pub use self::{
    answer::{AnswerError, RedirectTarget},
    client::HttpClient,
    error::{BodyError, SendError},
    limits::HttpLimits,
    tls::{TlsRoots, TlsRootsError},
    url::{UpstreamUrl, UpstreamUrlError},
};
pub(crate) use self::{
    answer::{AnswerKind, judge},
    headers::{
        LAST_EVENT_ID, MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, MCP_SESSION_ID, SentHeaders,
    },
    parts::Parts,
};
