//! The short way: a plain call of a tool, answered without the loop that rmcp runs for each request.
//!
//! 1. It answers what it is sure of: a well-formed call, in a revision that is known, of a tool that says that
//!    it is plain, which succeeds. Everything else is `None`, and rmcp's to answer, from the beginning.
//! 2. What is said is rmcp's all the same: its dispatch calls the tool, and its types write the result. Left out
//!    are the search for the kind of message, and the tasks and channels for conversations that a plain call
//!    does not have.
//! 3. `tests/http/plain/` holds it to rmcp's own answer byte for byte. See `docs/adr/0020`.

use std::{borrow::Cow, convert::Infallible, fmt, marker::PhantomData, sync::OnceLock};

use bartizan::{Caller, CatchPanic};
use bytes::Bytes;
use http::{
    HeaderMap, Method, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue},
    request::Parts,
};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use rmcp::{
    Peer, RoleServer, Service,
    model::{
        CallToolRequest, CallToolRequestParams, ClientCapabilities, ClientRequest, Implementation,
        InitializeRequestParams, JsonObject, MetaObject, ProtocolVersion, RequestId,
        RequestMetaObject, ServerJsonRpcMessage,
    },
    service::{RequestContext, RxJsonRpcMessage, TxJsonRpcMessage, serve_directly},
    transport::Transport,
};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

use crate::mcp::server::McpServer;

/// Longer bodies are rmcp's.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Most answers are shorter.
const ANSWER_BYTES: usize = 1024;

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
/// What clients accept who write it as the specification does.
const JSON_OR_EVENTS: &str = "application/json, text/event-stream";

/// Answers plain calls.
#[derive(Debug)]
pub(crate) struct PlainCalls {
    server: CatchPanic<McpServer>,
    /// For each known revision the client as a tool sees it, where there is no session.
    peers: Vec<(ProtocolVersion, OnceLock<Peer<RoleServer>>)>,
}

/// A call, and nothing that would need a closer look.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call<'a> {
    jsonrpc: &'a str,
    id: RequestId,
    method: &'a str,
    #[serde(borrow)]
    params: Object<Params<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params<'a> {
    #[serde(rename = "_meta")]
    meta: Option<JsonObject>,
    name: &'a str,
    arguments: Option<JsonObject>,
}

/// What stands there as an object: a structure that is derived would also be read from an array.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

impl PlainCalls {
    pub(crate) fn new(server: McpServer) -> Self {
        let revisions = ProtocolVersion::KNOWN_VERSIONS.iter().cloned();
        Self {
            server: CatchPanic::new(server),
            peers: revisions.map(|revision| (revision, OnceLock::new())).collect(),
        }
    }

    /// The answer, if this is a plain call and succeeds.
    pub(crate) async fn answer(
        &self,
        parts: &Parts,
        body: &[u8],
    ) -> Option<Response<BoxBody<Bytes, Infallible>>> {
        if parts.method != Method::POST
            || body.len() > MAX_BODY_BYTES
            || !negotiates(&parts.headers)
        {
            return None;
        }
        let (revision, peer) = self.peer(&parts.headers)?;
        let Object(call) =
            serde_json::from_str::<Object<Call<'_>>>(str::from_utf8(body).ok()?).ok()?;
        let Object(params) = call.params;
        if call.jsonrpc != "2.0" || call.method != "tools/call" {
            return None;
        }
        let name = McpServer::plain_tool(params.name)?;
        let meta = RequestMetaObject(MetaObject(params.meta.unwrap_or_default()));
        if !agree(&parts.headers, revision, &meta, name) {
            return None;
        }

        let mut context = RequestContext::new(call.id.clone(), peer);
        context.meta = meta;
        context.extensions.insert(seen_by_the_tool(parts)?);
        let mut called = CallToolRequestParams::new(name);
        called.arguments = params.arguments;
        let request = ClientRequest::CallToolRequest(CallToolRequest::new(called));
        let result = self.server.handle_request(request, context).await.ok()?;

        let mut answer = Vec::with_capacity(ANSWER_BYTES);
        let message = ServerJsonRpcMessage::response(result, call.id);
        serde_json::to_writer(&mut answer, &message).ok()?;
        let mut response = Response::new(Full::new(Bytes::from(answer)).boxed());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        Some(response)
    }

    /// The revision that the headers name, and its client.
    fn peer(&self, headers: &HeaderMap) -> Option<(&ProtocolVersion, Peer<RoleServer>)> {
        let named = match headers.get("mcp-protocol-version") {
            Some(named) => named.to_str().ok()?,
            None => ProtocolVersion::V_2025_03_26.as_str(),
        };
        let (revision, peer) = self.peers.iter().find(|(known, _)| known.as_str() == named)?;
        Some((revision, peer.get_or_init(|| nobody(&self.server, revision)).clone()))
    }
}

/// Whether the headers say, in the words that most clients use, that JSON is sent, and that JSON or a stream is
/// understood.
fn negotiates(headers: &HeaderMap) -> bool {
    if headers.get(CONTENT_TYPE).is_none_or(|sent| sent != JSON) {
        return false;
    }
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accept == JSON_OR_EVENTS {
        return true;
    }
    let mut accepted = accept.split(',').map(str::trim);
    // What stands between quotes is no type.
    !accept.contains('"')
        && accepted.clone().any(|it| it == JSON)
        && accepted.any(|it| it == EVENTS)
}

/// Whether what is said of the call in `_meta` and in headers is what the revision wants, and the same in both.
fn agree(
    headers: &HeaderMap,
    revision: &ProtocolVersion,
    meta: &RequestMetaObject,
    name: &str,
) -> bool {
    let said = meta.protocol_version();
    if *revision < ProtocolVersion::V_2026_07_28 {
        return said.is_none();
    }
    let repeated = |header, value: &str| headers.get(header).is_some_and(|it| it == value);
    said.as_ref() == Some(revision)
        && repeated("mcp-method", "tools/call")
        && repeated("mcp-name", name)
}

/// What a plain tool may know of the request: its caller.
fn seen_by_the_tool(parts: &Parts) -> Option<Parts> {
    let (mut seen, ()) = http::Request::new(()).into_parts();
    seen.extensions.insert(parts.extensions.get::<Caller>()?.clone());
    Some(seen)
}

/// A client of this revision to whom nothing can be said but the answer.
fn nobody(server: &CatchPanic<McpServer>, revision: &ProtocolVersion) -> Peer<RoleServer> {
    let client =
        InitializeRequestParams::new(ClientCapabilities::default(), Implementation::default())
            .with_protocol_version(revision.clone());
    serve_directly(server.clone(), Nowhere, Some(client)).peer().clone()
}

/// A connection that has ended.
struct Nowhere;

impl Transport<RoleServer> for Nowhere {
    type Error = std::io::Error;

    fn name() -> Cow<'static, str> {
        "nowhere".into()
    }

    fn send(
        &mut self,
        _: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        std::future::ready(Err(std::io::ErrorKind::NotConnected.into()))
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        None
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}
