//! A call that waits until it is known what the server offers.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use upstream::{
    CallContext,
    calls::CallLimits,
    front::{Definitions, FrontLimits, NotAcceptedError},
    port::{AskId, Call, OpenError, Opened, Server, Servers, Unsolicited, Waiting},
    wire::Message,
};

use super::fake::{Client, Fakes, events, value};

/// Everything is accepted, and each call has to be confirmed.
#[derive(Default)]
struct Pinned {
    revision: AtomicU64,
    /// How many calls were admitted, each one once more after its confirmation.
    admitted: AtomicU64,
}

impl Definitions for Pinned {
    fn concern(&self, request: &Message) -> bool {
        request.method() == "tools/call"
    }

    fn admit(&self, request: &Message) -> Result<(), NotAcceptedError> {
        let is_call = request.method() == "tools/call";
        self.admitted.fetch_add(is_call.into(), Ordering::SeqCst);
        Ok(())
    }

    fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    fn filter(&self, _: &str, result: &Bytes) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        Ok(result.clone())
    }
}

/// Servers that confirm as many calls as there are permits.
struct Slow(Fakes, Arc<Semaphore>);

struct Confirming(Arc<dyn Server>, Arc<Semaphore>);

impl Servers for Slow {
    fn open<'a>(
        &'a self,
        context: &'a CallContext,
        initialize: Message,
    ) -> Waiting<'a, Result<Opened, OpenError>> {
        Box::pin(async move {
            let Opened { server, answer } = self.0.open(context, initialize).await?;
            Ok(Opened { server: Arc::new(Confirming(server, Arc::clone(&self.1))), answer })
        })
    }

    fn stateless<'a>(
        &'a self,
        context: &'a CallContext,
    ) -> Waiting<'a, Result<Arc<dyn Server>, OpenError>> {
        Box::pin(async {
            let server = self.0.stateless(context).await?;
            Ok(Arc::new(Confirming(server, Arc::clone(&self.1))) as Arc<dyn Server>)
        })
    }
}

impl Server for Confirming {
    fn confirm<'a>(&'a self, _: &'a CallContext) -> Waiting<'a, Result<(), OpenError>> {
        Box::pin(async {
            self.1.acquire().await.unwrap().forget();
            Ok(())
        })
    }

    fn call(&self, context: &CallContext, request: Message) -> Box<dyn Call> {
        self.0.call(context, request)
    }

    fn notify<'a>(&'a self, context: &'a CallContext, note: Message) -> Waiting<'a, ()> {
        self.0.notify(context, note)
    }

    fn answer<'a>(
        &'a self,
        context: &'a CallContext,
        ask: AskId,
        answer: Message,
    ) -> Waiting<'a, ()> {
        self.0.answer(context, ask, answer)
    }

    fn unsolicited(&self) -> Unsolicited {
        self.0.unsolicited()
    }
}

fn names(client: &Client) -> Vec<Value> {
    let seen = client.seen.lock().unwrap();
    let calls = seen.iter().filter(|message| message["method"] == "tools/call");
    calls.map(|message| message["params"]["name"].clone()).collect()
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_is_not_sent() {
    let permits = Arc::new(Semaphore::new(0));
    let servers = |fakes| Slow(fakes, Arc::clone(&permits));
    let mut client = Client::of(
        servers,
        Arc::<Pinned>::default(),
        FrontLimits::default(),
        CallLimits::default(),
    );
    client.begin("2025-11-25").await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.call(7, "first").await }
    });
    tokio::task::yield_now().await;
    // Its id is in flight.
    assert_eq!(client.call(7, "twice").await.status(), 400);
    let params = json!({ "requestId": 7 });
    let note = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params
    });
    assert_eq!(client.post(&note).await.status(), 202);
    let mut response = waiting.await.unwrap();
    assert!(events(&mut response, usize::MAX).await.is_empty());
    permits.add_permits(1);
    assert_eq!(client.call(7, "next").await.status(), 200);
    assert_eq!(names(&client), ["next"]);
}

async fn call_old(client: Client, id: u64, name: &str) -> Value {
    value(client.call(id, name).await).await
}

async fn call_new(client: Client, name: &str) -> Value {
    value(client.new_request("tools/call", json!({ "name": name }), &[]).await).await
}

#[tokio::test]
async fn a_call_that_waits_during_an_acceptance_was_permitted_by_the_policy_before_it() {
    let (permits, pinned) = (Arc::new(Semaphore::new(0)), Arc::<Pinned>::default());
    let servers = |fakes| Slow(fakes, Arc::clone(&permits));
    let definitions = Arc::clone(&pinned) as Arc<dyn Definitions>;
    let client = Client::of(servers, definitions, FrontLimits::default(), CallLimits::default());
    let mut begun = client.clone();
    begun.begin("2025-11-25").await;
    let waiting = [
        tokio::spawn(call_old(begun.clone(), 7, "waits")),
        tokio::spawn(call_new(client.clone(), "waits")),
    ];
    while pinned.admitted.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    pinned.revision.fetch_add(1, Ordering::SeqCst);
    permits.add_permits(4);
    for refused in waiting {
        let refused = refused.await.unwrap();
        assert_eq!(refused["error"]["code"], -32603, "{refused}");
        let text = refused["error"]["message"].as_str().unwrap();
        assert!(text.contains("accepted anew meanwhile"), "{text}");
    }
    assert!(call_old(begun, 8, "next").await["result"].is_object());
    assert!(call_new(client.clone(), "last").await["result"].is_object());
    assert_eq!(names(&client), ["next", "last"]);
}
