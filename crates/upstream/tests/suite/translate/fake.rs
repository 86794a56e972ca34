//! What the servers in these tests share, and how they are called.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::ScopeSet;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use upstream::{
    CallContext,
    calls::{CallLimits, Connection},
    era::{Wanted, connect},
    link::{CallId, Incoming, Link, Outgoing},
    port::{Call, Event, Server, next_event},
    wire::Message,
};

/// What a server was sent, in its order.
pub(super) type Received = Arc<Mutex<Vec<Value>>>;

/// What a server says through.
pub(super) struct Out(mpsc::Sender<Incoming>);

impl Out {
    pub(super) async fn send(&self, message: Value) {
        self.during(message, None).await;
    }

    /// Says something on the stream of a call, as HTTP does.
    pub(super) async fn during(&self, message: Value, during: Option<CallId>) {
        let message = message.to_string().into();
        let _ = self.0.send(Incoming::Message { message, during }).await;
    }

    pub(super) async fn result(&self, id: &Value, result: Value) {
        self.send(json!({ "jsonrpc": "2.0", "id": id, "result": result })).await;
    }

    pub(super) async fn error(&self, id: &Value, error: Value) {
        self.send(json!({ "jsonrpc": "2.0", "id": id, "error": error })).await;
    }

    pub(super) async fn request(&self, id: &str, method: &str, params: Value) {
        let text = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send(text).await;
    }

    pub(super) async fn note(&self, method: &str, params: Value) {
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await;
    }
}

/// A server: what it does with a message.
pub(super) trait Fake: Send + 'static {
    fn on(&mut self, message: Value, out: &Out) -> impl Future<Output = ()> + Send;
}

/// Starts a server and connects to it. What it receives is recorded.
pub(super) async fn start(mut fake: impl Fake, wanted: Wanted) -> (Connection, Received) {
    let (to_server, mut requests) = mpsc::channel::<Outgoing>(64);
    let (from_server, answers) = mpsc::channel(64);
    let received = Received::default();
    let record = Arc::clone(&received);
    tokio::spawn(async move {
        let out = Out(from_server);
        while let Some(outgoing) = requests.recv().await {
            let message: Value = serde_json::from_slice(&outgoing.message).unwrap();
            record.lock().unwrap().push(message.clone());
            fake.on(message, &out).await;
        }
    });
    let link = Link { sender: to_server, receiver: answers };
    let connected = connect(link, wanted, CallLimits::default(), Duration::from_secs(5)).await;
    (connected.unwrap().0, received)
}

/// All messages of a method that a server has received.
pub(super) fn of_method(received: &Received, method: &str) -> Vec<Value> {
    let received = received.lock().unwrap();
    received.iter().filter(|message| message["method"] == method).cloned().collect()
}

/// Waits until something is so.
pub(super) async fn until(is_so: impl Fn() -> bool) {
    let waits = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(10), waits).await.expect("it never was so");
}

pub(super) fn anonymous() -> CallContext {
    CallContext::new(None, ScopeSet::default())
}

/// Begins a call.
pub(super) fn begin(server: &dyn Server, method: &str, params: &Value) -> Box<dyn Call> {
    let request = Message::request("\"own\"", method, Some(&params.to_string())).unwrap();
    server.call(&anonymous(), request)
}

/// The next event of a call: a notification or a question as it is, an answer too.
pub(super) async fn next(call: &mut dyn Call) -> Option<Value> {
    Some(match next_event(call).await? {
        Event::Notification(message) | Event::Answer(message) => parsed(&message),
        Event::Ask(ask) => {
            let request = parsed(&ask.request);
            assert_eq!(request["id"], ask.id.0, "the id is that by which it is answered");
            request
        }
    })
}

pub(super) fn parsed(message: &Message) -> Value {
    serde_json::from_str(message.text()).unwrap()
}

/// Makes a call: its events, of which the last is the answer.
pub(super) async fn call(server: &dyn Server, method: &str, params: Value) -> Vec<Value> {
    let mut call = begin(server, method, &params);
    let mut events = Vec::new();
    while let Some(event) = next(&mut *call).await {
        events.push(event);
    }
    events
}

/// Makes a call: its answer alone.
pub(super) async fn answer(server: &dyn Server, method: &str, params: Value) -> Value {
    let events = call(server, method, params).await;
    let answer = events.last().expect("an answer").clone();
    assert_eq!(answer["id"], "own", "{answer}");
    answer
}
