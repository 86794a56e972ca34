//! A call that waits until it is known what the server offers.

use std::{error::Error, sync::Arc};

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

use super::fake::{Client, Fakes, events};

/// Everything is accepted, and each call has to be confirmed.
struct Pinned;

impl Definitions for Pinned {
    fn concern(&self, request: &Message) -> bool {
        request.method() == "tools/call"
    }

    fn admit(&self, _: &Message) -> Result<(), NotAcceptedError> {
        Ok(())
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
        self.0.stateless(context)
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
    let mut client =
        Client::of(servers, Arc::new(Pinned), FrontLimits::default(), CallLimits::default());
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
