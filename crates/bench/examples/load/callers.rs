//! Who calls, and what each must be told.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use crate::{
    cast::Class,
    secured::Place,
    server::Tokens,
    tally::Tally,
    wire::{Answer, Connection},
};

/// One over the longest body.
const TOO_LONG: usize = 4 * 1024 * 1024 + 1;
/// How many calls are sent at once.
const PIPELINED: usize = 50;
/// How long the server waits for a head, a body, or the next request.
const SERVER_WAITS: Duration = Duration::from_secs(30);
/// Before this it has not given up.
const NOT_BEFORE: Duration = Duration::from_secs(28);
/// How much later than at once anything may be, on a machine that is full of work.
const LATE: Duration = Duration::from_secs(15);
/// Longer than anything takes.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(90);
/// How long those wait before they come again who are refused and are not to be all that the
/// machine does.
pub(crate) const PAUSE: Duration = Duration::from_millis(300);
/// How long the slow ones pause between two bytes.
const DRIP: Duration = Duration::from_secs(2);

/// A call of `get_time`.
pub(crate) const BODY: &str =
    r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_time","arguments":{}}}"#;

/// Numbers the opaque tokens.
static OPAQUE: AtomicU64 = AtomicU64::new(0);

/// What every caller knows.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) place: Place,
    tokens: Arc<Tokens>,
    begun: Instant,
    pub(crate) length: Duration,
}

impl Plan {
    pub(crate) fn new(place: Place, tokens: Tokens, begun: Instant, length: Duration) -> Self {
        Self { place, tokens: Arc::new(tokens), begun, length }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.begun.elapsed() >= self.length
    }

    /// The token that `class` presents.
    pub(crate) fn token(&self, class: Class) -> Option<&str> {
        class.token(&self.tokens)
    }
}

impl Class {
    fn token(self, tokens: &Tokens) -> Option<&str> {
        match self {
            Self::NoToken | Self::LongAnonymous | Self::SlowAnonymous | Self::Http2NoToken => None,
            Self::BadSignature => Some(&tokens.bad_signature),
            Self::Expired => Some(&tokens.expired),
            Self::OtherAudience => Some(&tokens.other_audience),
            Self::MissingScope | Self::LongAllowed => Some(&tokens.missing_scope),
            _ => Some(&tokens.valid),
        }
    }

    /// Whether the matrix has this answer for this class; `None` is a connection that was closed.
    fn may_get(self, answer: Option<&Answer>) -> bool {
        let Some(Answer { status, text }) = answer else {
            // A caller that still sends when the answer is written may be reset before it reads it.
            return matches!(
                self,
                Self::LongStreamed
                    | Self::LongAnonymous
                    | Self::LongAllowed
                    | Self::SlowHead
                    | Self::Idle
                    | Self::Deaf
                    | Self::Http2Deaf
                    | Self::Http2Resets
            );
        };
        let says = |part: &str| text.contains(part);
        match (self, status) {
            (Self::Valid | Self::Idle | Self::Pipelined | Self::Http2, 200) => {
                says("\"iserror\":false")
            }
            (
                Self::NoToken | Self::LongAnonymous | Self::SlowAnonymous | Self::Http2NoToken,
                401,
            ) => says("www-authenticate: bearer scope=") && !says("error="),
            (Self::BadSignature | Self::Expired | Self::OtherAudience, 401) => {
                says("error=\"invalid_token\"")
            }
            (Self::MissingScope | Self::LongAllowed, 403) => says("error=\"insufficient_scope\""),
            (Self::Opaque, 401) => says("error=\"invalid_token\""),
            // Bodies share a budget; the issuer is slow, and unknown tokens have a pace.
            (Self::LongAllowed | Self::LongStreamed | Self::Opaque, 503) => says("retry-after"),
            (Self::LongAnnounced | Self::LongStreamed, 413) => says("too long"),
            (Self::SlowBody, 408) => says("took too long"),
            _ => false,
        }
    }

    /// Whether the matrix has this time for this class.
    fn may_take(self, took: Duration) -> bool {
        match self {
            Self::SlowHead | Self::SlowBody => (NOT_BEFORE..SERVER_WAITS + LATE).contains(&took),
            // The server waits once all that the system keeps for the connection is full.
            Self::Deaf | Self::Http2Deaf => (NOT_BEFORE..FOR_EVER).contains(&took),
            // It takes what it takes to send that much past all the others, or many one by one.
            Self::LongStreamed | Self::LongAllowed | Self::Pipelined => took < SERVER_WAITS,
            _ => took < LATE,
        }
    }

    /// Counts an answer, or that the connection was closed, if the matrix has it; else a fault.
    pub(crate) fn judge(
        self,
        answer: Option<&Answer>,
        took: Duration,
        plan: &Plan,
        tally: &mut Tally,
    ) {
        let status = answer.map(|answer| answer.status);
        if !self.may_get(answer) {
            let text = answer.map_or("closed", |answer| &answer.text);
            tally.fault(format!("{self:?} got {text}"));
        } else if !self.may_take(took) {
            tally.fault(format!("{self:?} got {status:?} after {} ms", took.as_millis()));
        } else {
            tally.count(self, status, plan.begun.elapsed(), took);
        }
    }

    /// What is sent; for some classes only the beginning of it.
    pub(crate) fn request(self, tokens: &Tokens) -> Vec<u8> {
        let body = BODY;
        let authorization = match self.token(tokens) {
            // Each another one, so that nothing is remembered of it.
            _ if self == Self::Opaque => {
                let number = OPAQUE.fetch_add(1, Ordering::Relaxed);
                format!("authorization: Bearer opaque-{number}\r\n")
            }
            Some(token) => format!("authorization: Bearer {token}\r\n"),
            None => String::new(),
        };
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{authorization}"
        );
        let long;
        let (length, body) = match self {
            // Its answers are large enough to fill what the system keeps for a connection.
            Self::Deaf => {
                let path = "/.well-known/oauth-protected-resource/mcp";
                let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
                return head.into_bytes().repeat(1000);
            }
            Self::LongAllowed => {
                let padding = "x".repeat(TOO_LONG - 2 - body.len() - r#""padding":"""#.len());
                long = body.replace(
                    r#""arguments":{"#,
                    &format!(r#""arguments":{{"padding":"{padding}""#),
                );
                (format!("content-length: {}", long.len()), long.as_str())
            }
            Self::SlowHead => return format!("{head}x-slow: ").into_bytes(),
            Self::LongAnnounced => (format!("content-length: {TOO_LONG}"), ""),
            Self::LongStreamed | Self::LongAnonymous => ("transfer-encoding: chunked".into(), ""),
            Self::SlowBody | Self::SlowAnonymous => ("content-length: 1000".into(), "{"),
            _ => (format!("content-length: {}", body.len()), body),
        };
        format!("{head}{length}\r\n\r\n{body}").into_bytes()
    }
}

/// Calls as `class` does until the flood is over.
pub(crate) async fn call(class: Class, plan: Plan) -> Tally {
    let mut tally = Tally::default();
    let mut request = class.request(&plan.tokens);
    let mut connection = None;
    while !plan.is_over() {
        if class == Class::Opaque {
            request = class.request(&plan.tokens);
        }
        let mut open = match connection.take() {
            Some(open) => open,
            None => match open_as(class, &plan.place).await {
                Ok(open) => open,
                Err(error) => {
                    tally.fault(format!("{class:?} could not connect: {error}"));
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        let begun = Instant::now();
        let Ok(answer) = timeout(FOR_EVER, exchange(class, &mut open, &request)).await else {
            tally.fault(format!("{class:?} was neither answered nor closed"));
            continue;
        };
        let took = begun.elapsed();
        class.judge(answer.as_ref(), took, &plan, &mut tally);
        if class.pauses() {
            sleep(PAUSE).await;
        }
        match class {
            Class::Idle => idle(&mut open, &plan, &mut tally).await,
            // They come again over another connection.
            Class::LongAnnounced
            | Class::LongStreamed
            | Class::LongAnonymous
            | Class::LongAllowed => {}
            _ if answer.is_some_and(|answer| !answer.closes()) => connection = Some(open),
            _ => {}
        }
    }
    tally
}

/// One call; how it was answered.
pub(crate) async fn once(plan: &Plan, class: Class) -> Option<u16> {
    let mut connection = open_as(class, &plan.place).await.ok()?;
    connection.send(&class.request(&plan.tokens)).await.ok()?;
    timeout(LATE, connection.answer()).await.ok()?.map(|answer| answer.status)
}

async fn open_as(class: Class, place: &Place) -> io::Result<Connection> {
    if class == Class::Deaf {
        Connection::open_with_little_room(place).await
    } else {
        Connection::open_secured(place).await
    }
}

/// The answer to one request over a connection of its own.
pub(crate) async fn ask(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut connection = Connection::open(address).await.ok()?;
    connection.send(request).await.ok()?;
    timeout(LATE, connection.answer()).await.ok()?
}

/// A call of this tool, with this token.
pub(crate) fn call_of(tool: &str, token: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
    );
    format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nauthorization: Bearer {token}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Sends what `class` sends in the way it does, and waits for the answer.
async fn exchange(class: Class, connection: &mut Connection, request: &[u8]) -> Option<Answer> {
    // Where the other side has closed, that is what reading will say.
    let _ = connection.send(request).await;
    match class {
        Class::LongStreamed | Class::LongAnonymous => {
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000)).into_bytes();
            let mut sent = 0;
            while sent < TOO_LONG && connection.send(&chunk).await.is_ok() {
                sent += 0x10000;
            }
            connection.answer().await
        }
        Class::Deaf => {
            // Until the server closes the connection.
            while connection.send(request).await.is_ok() {}
            None
        }
        Class::Pipelined => {
            for _ in 1..PIPELINED {
                let _ = connection.send(request).await;
            }
            let mut last = connection.answer().await;
            for _ in 1..PIPELINED {
                let next = connection.answer().await;
                if last.as_ref().is_none_or(|answer| answer.status != 200) {
                    return last;
                }
                last = next;
            }
            last
        }
        Class::SlowHead | Class::SlowBody | Class::SlowAnonymous => loop {
            match timeout(DRIP, connection.answer()).await {
                Ok(answer) => return answer,
                Err(_) => drop(connection.send(b"x").await),
            }
        },
        _ => connection.answer().await,
    }
}

/// Waits for the server to close a connection on which nothing is said.
async fn idle(connection: &mut Connection, plan: &Plan, tally: &mut Tally) {
    let begun = Instant::now();
    let answer = timeout(SERVER_WAITS + LATE, connection.answer()).await;
    let took = begun.elapsed();
    match answer {
        Ok(None) if took > NOT_BEFORE => {
            tally.count(Class::Idle, None, plan.begun.elapsed(), took);
        }
        Ok(answer) => {
            let status = answer.map(|answer| answer.status);
            tally.fault(format!("an idle connection got {status:?} after {} ms", took.as_millis()));
        }
        Err(_) => tally.fault("an idle connection was left open".into()),
    }
}
