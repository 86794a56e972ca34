//! A server that says nothing about a call.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};
use upstream::{
    calls::{CallLimits, Connection},
    era::{Wanted, connect},
    link::{CallId, Incoming, Link, Outgoing},
    port::{Call, Event, next_event},
    wire::Message,
};

const MINUTE: Duration = Duration::from_mins(1);
const SILENCE: Duration = Duration::from_mins(5);

/// The server's end of a connection: what it is sent, and what it says.
struct Far {
    sent: mpsc::Receiver<Outgoing>,
    says: mpsc::Sender<Incoming>,
    /// Whether the transport says which call a message belongs to.
    names_calls: bool,
}

impl Far {
    /// The next message that it is sent.
    async fn next(&mut self) -> Value {
        let sent = timeout(MINUTE, self.sent.recv()).await.expect("it was sent").unwrap();
        serde_json::from_slice(&sent.message).unwrap()
    }

    async fn say(&self, message: Value) {
        let during = message["id"].as_u64().map(CallId).filter(|_| self.names_calls);
        let message = message.to_string().into();
        self.says.send(Incoming::Message { message, during }).await.unwrap();
    }

    async fn answer(&self, request: &Value, result: Value) {
        self.say(json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })).await;
    }

    async fn ask(&self, id: &str) {
        let method = "elicitation/create";
        self.say(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": {} })).await;
    }

    /// Whether it was told that this request is cancelled, as all that it was told.
    fn is_told_of(&mut self, request: &Value) -> bool {
        let Ok(sent) = self.sent.try_recv() else { return false };
        let sent: Value = serde_json::from_slice(&sent.message).unwrap();
        sent["method"] == "notifications/cancelled" && sent["params"]["requestId"] == request["id"]
    }
}

async fn begun(names_calls: bool) -> (Connection, Far) {
    let (sender, sent) = mpsc::channel(64);
    let (says, receiver) = mpsc::channel(64);
    let mut far = Far { sent, says, names_calls };
    let far = async move {
        let initialize = far.next().await;
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {}
        });
        far.answer(&initialize, hello).await;
        assert_eq!(far.next().await["method"], "notifications/initialized");
        far
    };
    let limits = CallLimits { silence: SILENCE, ..CallLimits::default() };
    let connected = connect(Link { sender, receiver }, Wanted::Old, limits, MINUTE);
    let (connected, far) = tokio::join!(connected, far);
    (connected.unwrap().0, far)
}

fn started(connection: &Connection, method: &str) -> Box<dyn Call> {
    let params = json!({ "_meta": { "progressToken": "p" } }).to_string();
    connection.call(&Message::request("7", method, Some(&params)).unwrap())
}

/// The error that a call is answered with, and how long that took.
async fn error_of(call: &mut Box<dyn Call>) -> (String, Duration) {
    let begun = Instant::now();
    match timeout(4 * SILENCE, next_event(&mut **call)).await.expect("it was answered") {
        Some(Event::Answer(answer)) => (answer.error().unwrap().to_owned(), begun.elapsed()),
        other => panic!("{other:?}"),
    }
}

fn is_over(call: &mut Box<dyn Call>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    call.poll_event(&mut context).is_ready()
}

#[tokio::test(start_paused = true)]
async fn a_call_of_which_the_server_says_nothing_ends_and_its_others_go_on() {
    let (connection, mut far) = begun(false).await;
    let mut silent = started(&connection, "tools/call");
    let silent_request = far.next().await;
    sleep(MINUTE).await;
    let mut lively = started(&connection, "tools/call");
    let lively_request = far.next().await;
    let report = json!({ "progressToken": lively_request["id"], "progress": 1 });
    let report = json!({
        "jsonrpc": "2.0", "method": "notifications/progress", "params": report
    });
    let reports = async {
        for _ in 0..10 {
            sleep(2 * MINUTE).await;
            far.say(report.clone()).await;
            assert!(matches!(next_event(&mut *lively).await, Some(Event::Notification(_))));
        }
    };
    let ((error, after), ()) = tokio::join!(error_of(&mut silent), reports);
    assert!(error.contains("has said nothing about the call for 300s"), "{error}");
    assert_eq!(after.as_secs(), 4 * 60, "a minute had passed before");
    assert!(far.is_told_of(&silent_request));
    far.answer(&lively_request, json!({})).await;
    assert!(
        matches!(next_event(&mut *lively).await, Some(Event::Answer(it)) if it.error().is_none())
    );
    assert!(!connection.is_closed());
    assert!(far.sent.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_line_that_names_no_call_counts_for_the_only_one() {
    let (connection, mut far) = begun(false).await;
    let mut call = started(&connection, "tools/call");
    far.next().await;
    let line = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": {} });
    sleep(4 * MINUTE).await;
    far.say(line.clone()).await;
    assert!(matches!(next_event(&mut *call).await, Some(Event::Notification(_))));
    assert_eq!(error_of(&mut call).await.1.as_secs(), SILENCE.as_secs());
    // Of two it is not known whose it is.
    let (mut first, mut second) = (started(&connection, "x"), started(&connection, "x"));
    sleep(4 * MINUTE).await;
    far.say(line).await;
    for call in [&mut first, &mut second] {
        assert!(error_of(call).await.1 < 2 * MINUTE);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_its_client_is_not_silent() {
    let (connection, mut far) = begun(false).await;
    let mut call = started(&connection, "tools/call");
    let request = far.next().await;
    far.ask("q").await;
    let Some(Event::Ask(ask)) = next_event(&mut *call).await else { panic!("a question") };
    sleep(3 * SILENCE + MINUTE).await;
    assert!(!is_over(&mut call));
    connection.answer(ask.id, Message::success(&ask.id.0.to_string(), "{}").unwrap()).await;
    assert_eq!(far.next().await["id"], "q");
    assert_eq!(error_of(&mut call).await.1.as_secs(), SILENCE.as_secs());
    assert!(far.is_told_of(&request));
}

#[tokio::test(start_paused = true)]
async fn a_question_that_names_no_call_may_be_of_any_while_someone_can_answer_it() {
    let (connection, far) = begun(false).await;
    let mut unsolicited = connection.unsolicited();
    let (mut first, mut second) =
        (started(&connection, "tools/call"), started(&connection, "tools/call"));
    far.ask("q").await;
    let Some(Event::Ask(ask)) = unsolicited.recv().await else { panic!("a question") };
    sleep(2 * SILENCE).await;
    assert!(!is_over(&mut first) && !is_over(&mut second));
    connection.answer(ask.id, Message::success(&ask.id.0.to_string(), "{}").unwrap()).await;
    sleep(4 * MINUTE).await;
    assert!(!is_over(&mut first) && !is_over(&mut second));
    far.ask("r").await;
    assert!(matches!(unsolicited.recv().await, Some(Event::Ask(_))));
    drop(unsolicited);
    sleep(2 * SILENCE).await;
    assert!(is_over(&mut first) && is_over(&mut second));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_may_be_silent() {
    let (connection, mut far) = begun(false).await;
    let mut listen = started(&connection, "subscriptions/listen");
    far.next().await;
    sleep(3 * SILENCE).await;
    assert!(!is_over(&mut listen));
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_names_calls_has_bounds_of_its_own() {
    let (connection, mut far) = begun(true).await;
    let mut call = started(&connection, "tools/call");
    far.next().await;
    sleep(3 * SILENCE).await;
    assert!(!is_over(&mut call));
}
