//! Streams of a plain service, polled by hand: nothing comes out while it is not known whether it
//! may.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use auth_core::{Algorithm, Principal};
use bartizan::{Authenticate, AuthenticateError, Guard, GuardedBody, Presented};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::Full;
use testkit::{RESOURCE, TestKey};
use tower::ServiceExt;

use crate::world::{Users, World, document, forge, policy};

/// Takes its time, or all the time there is.
struct Slow {
    users: Arc<Users>,
    hangs: Arc<AtomicBool>,
}

impl Authenticate for Slow {
    async fn authenticate(&self, presented: Presented<'_>) -> Result<Principal, AuthenticateError> {
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.users.authenticate(presented).await
    }
}

/// Gives out what is put in.
#[derive(Clone, Default)]
struct Feed(Arc<Mutex<Vec<&'static str>>>);

impl Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.0.lock().unwrap().pop();
        next.map_or(Poll::Pending, |text| Poll::Ready(Some(Ok(Frame::data(Bytes::from(text))))))
    }
}

const EVENT: &str = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":\"secret\"}}\n\n";

async fn open(world: &World, hangs: &Arc<AtomicBool>, feed: &Feed) -> GuardedBody<Feed> {
    let slow = Slow { users: Arc::clone(&world.users), hangs: Arc::clone(hangs) };
    let guard = Guard::new(RESOURCE.parse().unwrap(), policy(document()), [], slow).unwrap();
    let feed = feed.clone();
    let behind = tower::service_fn(move |_: Request<Full<Bytes>>| {
        let answer = Response::builder().header("content-type", "text/event-stream");
        let answer = answer.body(feed.clone()).unwrap();
        async move { Ok::<_, Infallible>(answer) }
    });
    let token = forge("alice", "A").sign(TestKey::shared(Algorithm::Hs256));
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#;
    let request = Request::post("/mcp")
        .header("host", "localhost:8000")
        .header("authorization", format!("Bearer {token}"))
        .body(Full::<Bytes>::from(call))
        .unwrap();
    guard.protect(behind).oneshot(request).await.unwrap().into_body()
}

/// What comes out within `patience`: an event, the end (`None` within), or nothing.
async fn next(
    body: &mut Pin<&mut GuardedBody<Feed>>,
    patience: Duration,
) -> Option<Option<String>> {
    let frame = std::future::poll_fn(|context| body.as_mut().poll_frame(context));
    let frame = tokio::time::timeout(patience, frame).await.ok()?;
    Some(
        frame.map(|frame| String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap()),
    )
}

const MOMENT: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn whoever_paused_reading_gets_nothing_that_came_after_they_were_disabled() {
    let (world, feed) = (World::start().await, Feed::default());
    let mut body = pin!(open(&world, &Arc::default(), &feed).await);
    feed.0.lock().unwrap().push(EVENT);
    assert_eq!(next(&mut body, MOMENT).await, Some(Some(EVENT.to_owned())));
    world.users.disabled.lock().unwrap().insert("alice".into());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    feed.0.lock().unwrap().push(EVENT);
    assert_eq!(
        next(&mut body, Duration::from_secs(1)).await,
        Some(None),
        "the end, and nothing before"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_paused_reading_and_may_still_goes_on() {
    let (world, feed) = (World::start().await, Feed::default());
    let mut body = pin!(open(&world, &Arc::default(), &feed).await);
    assert_eq!(next(&mut body, MOMENT).await, None);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    feed.0.lock().unwrap().push(EVENT);
    assert_eq!(next(&mut body, Duration::from_secs(1)).await, Some(Some(EVENT.to_owned())));
}

#[tokio::test]
async fn a_stream_whose_caller_cannot_be_judged_in_time_ends() {
    let (world, feed, hangs) =
        (World::start().await, Feed::default(), Arc::<AtomicBool>::default());
    let mut body = pin!(open(&world, &hangs, &feed).await);
    assert_eq!(next(&mut body, MOMENT).await, None);
    hangs.store(true, Ordering::SeqCst);
    let start = tokio::time::Instant::now();
    assert_eq!(next(&mut body, Duration::from_secs(5)).await, Some(None));
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}
