//! Requests of sessions (revisions before 2026-07-28). A connection that ends does not end the
//! call: its events are kept for the client to come back to.

use std::sync::Arc;

use auth_core::quota::Share;

use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;

use super::{
    answer::{self, Answer},
    headers::{self, LAST_EVENT_ID, SESSION_ID},
    race::{Cancelled, First, first},
    replay::{Replay, STANDALONE, parse_id},
    session::Session,
    shared::{Shared, filter, is_list},
    stream,
};
use crate::{
    CallContext,
    era::{Era, Hello},
    port::{Call, Event},
    wire::{ErrorCode, Id, Kind, Message, Object, unquote},
};

pub(super) async fn post(
    shared: &Arc<Shared>,
    context: CallContext,
    http: &HeaderMap,
    message: Message,
) -> Answer {
    if message.method() == "initialize" && message.kind() == Kind::Request {
        return begin(shared, &context, message).await;
    }
    let session = match find(shared, &context, http, message.id()) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    match message.kind() {
        Kind::Request => {
            let prefers_stream = headers::prefers_stream(http);
            request(shared, session, &context, message, prefers_stream).await
        }
        Kind::Notification if message.method() == "notifications/cancelled" => {
            let params = Object::parse(message.params().unwrap_or("{}")).unwrap_or_default();
            if let Some(id) = message.request_id().and_then(Id::parse) {
                let reason = params.get("reason").and_then(unquote);
                session.cancel(&id, reason.map(std::borrow::Cow::into_owned));
            }
            answer::status(StatusCode::ACCEPTED)
        }
        Kind::Notification => {
            session.server.notify(&context, message).await;
            answer::status(StatusCode::ACCEPTED)
        }
        Kind::Answer => {
            if let Some(ask) = session.take_ask(&message) {
                session.server.answer(&context, ask, message).await;
            }
            answer::status(StatusCode::ACCEPTED)
        }
    }
}

/// The session that a request names; or the answer that it gets instead.
#[expect(clippy::result_large_err, reason = "an answer is made and moved once")]
fn find(
    shared: &Shared,
    context: &CallContext,
    http: &HeaderMap,
    id: Option<&str>,
) -> Result<Arc<Session>, Answer> {
    if let Err(fault) = headers::check_old(http) {
        return Err(answer::error(StatusCode::BAD_REQUEST, id, fault.code, &fault.message));
    }
    let mut values = http.get_all(SESSION_ID).iter();
    let (Some(name), None) = (values.next(), values.next()) else {
        let text = "a request needs one Mcp-Session-Id";
        return Err(answer::error(StatusCode::BAD_REQUEST, id, ErrorCode::INVALID_REQUEST, text));
    };
    let session = name.to_str().ok().and_then(|name| shared.sessions.get(name, context.owner()));
    session.ok_or_else(|| {
        let text = "the session does not exist";
        answer::error(StatusCode::NOT_FOUND, id, ErrorCode::INVALID_REQUEST, text)
    })
}

/// Begins a session.
async fn begin(shared: &Arc<Shared>, context: &CallContext, request: Message) -> Answer {
    let id = request.id().map(str::to_owned);
    let full = || {
        let text = "too many sessions are open";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        answer::error(status, id.as_deref(), ErrorCode::INTERNAL, text)
    };
    // A place for as long as the server takes to start.
    let Some(_place) = shared.place(context.owner()) else {
        return answer::too_many(id.as_deref());
    };
    if shared.sessions.make_room(context.owner()).is_err() {
        return full();
    }
    let mut opened = match shared.servers.open(context, request).await {
        Ok(opened) => opened,
        Err(error) => return answer::not_opened(id.as_deref(), error),
    };
    opened.answer = filter(&*shared.definitions, "initialize", opened.answer);
    let result = opened.answer.result().unwrap_or("{}");
    let revision = Hello::new(Era::Old, result).revisions().pop().unwrap_or_default();
    let owner = context.owner().clone();
    let session = Session::new(owner, opened.server, revision, shared.limits);
    let name = shared.sessions.add(&session);
    let Some(name) = name.and_then(|name| HeaderValue::try_from(name).ok()) else {
        session.end();
        return full();
    };
    let mut answer = answer::json(StatusCode::OK, opened.answer.into_bytes());
    answer.headers_mut().insert(SESSION_ID, name);
    answer
}

async fn request(
    shared: &Arc<Shared>,
    session: Arc<Session>,
    context: &CallContext,
    request: Message,
    prefers_stream: bool,
) -> Answer {
    let admitted = match shared.admit(&request) {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    let Some(place) = shared.place(context.owner()) else {
        return answer::too_many(request.id());
    };
    let Some((entered, mut cancelled)) = Entered::new(session, &request) else {
        let text = "a request with this id is in flight";
        let status = StatusCode::BAD_REQUEST;
        return answer::error(status, request.id(), ErrorCode::INVALID_REQUEST, text);
    };
    let server = &entered.session.server;
    if shared.definitions.concern(&request) {
        let confirmed = tokio::select! {
            biased;
            _ = &mut cancelled => return answer::events(http_body_util::Empty::new().boxed()),
            confirmed = server.confirm(context) => confirmed,
        };
        if let Err(error) = confirmed {
            // The session goes on.
            let (id, text) = (request.id(), error.to_string());
            return answer::error(StatusCode::OK, id, ErrorCode::INTERNAL, &text);
        }
        if let Err(refused) = shared.admit_again(&request, admitted) {
            return refused;
        }
    }
    let method = request.method();
    let listed = is_list(method).then(|| method.to_owned());
    let call = server.call(context, request);
    let running = Running { shared: Arc::clone(shared), entered, call, cancelled, listed };
    let mut running = Attached(Some((running, place)));
    let after = shared.limits.stream_after;
    let Some((call, _)) = &mut running.0 else { return answer::status(StatusCode::ACCEPTED) };
    let begun = match first(&mut *call.call, Some(&mut call.cancelled), Some(after)).await {
        First::Event(Event::Answer(answer)) if !prefers_stream => {
            let answer = call.finish(answer);
            running.0 = None;
            return answer::json(StatusCode::OK, answer.into_bytes());
        }
        First::Cancelled(reason) => {
            call.call.cancel(reason.as_deref());
            running.0 = None;
            // A call that was cancelled has no answer: the stream ends without one.
            return answer::events(http_body_util::Empty::new().boxed());
        }
        First::Event(event) => Some(event),
        First::Late | First::Ended => None,
    };
    let session = &call.entered.session;
    let stream = session.open_stream();
    let poll_after = shared.limits.poll_after.filter(|_| session.is_primed());
    let body = stream.read(Some(0), shared.limits.keep_alive, poll_after);
    if let Some((call, place)) = running.0.take() {
        tokio::spawn(call.pump(begun, Some(stream), place));
    }
    answer::events(body.boxed())
}

/// The id of a call, which is in flight in its session until this is dropped.
struct Entered {
    session: Arc<Session>,
    id: Id,
}

impl Entered {
    /// `None` if one with this id is in flight, or if the session has ended.
    fn new(session: Arc<Session>, request: &Message) -> Option<(Self, Cancelled)> {
        let id = request.id().and_then(Id::parse)?;
        let cancelled = session.enter(id.clone())?;
        Some((Self { session, id }, cancelled))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.session.leave(&self.id);
    }
}

/// A call of a session.
struct Running {
    shared: Arc<Shared>,
    entered: Entered,
    call: Box<dyn Call>,
    cancelled: Cancelled,
    /// The method, if it is answered with definitions.
    listed: Option<String>,
}

impl Running {
    fn finish(&self, answer: Message) -> Message {
        match &self.listed {
            Some(method) => filter(&*self.shared.definitions, method, answer),
            None => answer,
        }
    }

    /// Takes what the call says to its stream, until the end. Without a stream no client can ask
    /// for it, but the call goes on. If no client reads for as long as a session may be idle, the
    /// call is cancelled: otherwise one without an end would stay in flight.
    async fn pump(mut self, begun: Option<Event>, to: Option<Arc<Replay>>, place: Share) {
        let idle = self.shared.limits.session_idle;
        let unread = async {
            match &to {
                Some(to) => to.unread_for(idle).await,
                None => tokio::time::sleep(idle).await,
            }
        };
        let cancelled = tokio::select! {
            cancelled = self.pass_on(begun, to.as_deref()) => cancelled,
            () = unread => Some(Some("no client reads the answer".into())),
        };
        if let Some(reason) = cancelled {
            self.call.cancel(reason.as_deref());
        }
        if let Some(to) = to {
            to.finish();
            self.entered.session.prune();
        }
        drop(place);
    }

    /// The same until the call has ended (`None`) or is cancelled (the reason, if there is one).
    async fn pass_on(
        &mut self,
        mut begun: Option<Event>,
        to: Option<&Replay>,
    ) -> Option<Option<String>> {
        loop {
            let event = match begun.take() {
                Some(event) => event,
                None => match first(&mut *self.call, Some(&mut self.cancelled), None).await {
                    First::Event(event) => event,
                    First::Cancelled(reason) => return Some(reason),
                    First::Late | First::Ended => return None,
                },
            };
            self.entered.session.note(&event);
            let (message, is_last) = stream::message(event);
            if let Some(to) = to {
                let message = if is_last { self.finish(message) } else { message };
                // Room goes first: the last message of a session that ends has its place. Of a
                // client that is gone there is no room ever.
                tokio::select! {
                    biased;
                    () = to.room() => {}
                    reason = &mut self.cancelled => return Some(reason.unwrap_or_default()),
                }
                to.push(&message);
            }
            if is_last {
                return None;
            }
        }
    }
}

/// A call whose response has not begun. A client that goes away does not cancel it (MCP 2025-11-25,
/// sending messages).
struct Attached(Option<(Running, Share)>);

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some((call, place)) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(call.pump(None, None, place));
        }
    }
}

/// GET: the stream that belongs to no call, or a stream that a client comes back to.
pub(super) fn stream(shared: &Shared, context: &CallContext, http: &HeaderMap) -> Answer {
    if headers::revision(http).is_some_and(|revision| Era::of(revision) == Era::New) {
        return answer::method_not_allowed();
    }
    if !headers::accepts(http, "text/event-stream") {
        return answer::status(StatusCode::NOT_ACCEPTABLE);
    }
    let session = match find(shared, context, http, None) {
        Ok(session) => session,
        Err(refused) => return refused,
    };
    let (stream, after) = match http.get(LAST_EVENT_ID).map(|value| value.to_str()) {
        None => (STANDALONE, None),
        Some(id) => match id.ok().and_then(parse_id) {
            Some((stream, after)) => (stream, Some(after)),
            None => return answer::status(StatusCode::BAD_REQUEST),
        },
    };
    match session.stream(stream) {
        Some(stream) => answer::events(stream.read(after, shared.limits.keep_alive, None).boxed()),
        None => answer::status(StatusCode::NOT_FOUND),
    }
}

/// DELETE: the session ends.
pub(super) fn end(shared: &Shared, context: &CallContext, http: &HeaderMap) -> Answer {
    if headers::revision(http).is_some_and(|revision| Era::of(revision) == Era::New) {
        return answer::method_not_allowed();
    }
    if let Err(refused) = find(shared, context, http, None) {
        return refused;
    }
    if let Some(name) = http.get(SESSION_ID).and_then(|name| name.to_str().ok()) {
        shared.sessions.remove(name);
    }
    answer::status(StatusCode::NO_CONTENT)
}
