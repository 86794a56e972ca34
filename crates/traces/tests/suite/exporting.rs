//! Spans on their way to the collector, and what becomes of calls when that cannot be reached.

use std::time::Duration;

use traces::{Batching, Counts, Traces};

use crate::{
    collector::{Behaviour, Collector},
    world::{World, config},
};

/// Waits until the counts are as they have to be.
async fn until(traces: &Traces, is_so: impl Fn(Counts) -> bool) {
    let wait = async {
        while !is_so(traces.counts()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), wait).await;
    assert!(waited.is_ok(), "{:?}", traces.counts());
}

#[tokio::test]
async fn a_request_to_the_collector_has_the_headers_of_the_settings() {
    let collector = Collector::start(Behaviour::Take).await;
    let mut config = config(&collector);
    config.collector.headers = traces::headers("authorization=Bearer%20key,x-tenant=a").unwrap();
    let world = World::running(config);
    world.call("known").await;
    collector.span().await;
    let received = collector.received().remove(0);
    assert_eq!(received.path, "/v1/traces");
    for (name, value) in [
        ("content-type", "application/x-protobuf"),
        ("authorization", "Bearer key"),
        ("x-tenant", "a"),
    ] {
        let found: Vec<_> = received.headers.get_all(name).iter().collect();
        assert_eq!(found, [value], "{name}");
    }
    until(&world.traces, |counts| counts.exported == 1 && counts.waiting == 0).await;
}

#[tokio::test]
async fn beyond_the_queue_spans_are_dropped_and_counted_and_calls_go_on() {
    let collector = Collector::start(Behaviour::Take).await;
    let mut config = config(&collector);
    config.batching = Batching { queue: 4, batch: 3, ..config.batching };
    let mut world = World::new(config);
    for _ in 0..10 {
        assert_eq!(world.call("known").await, 200);
    }
    let expected = Counts { dropped: 6, waiting: 4, limit: 4, ..Counts::default() };
    assert_eq!(world.traces.counts(), expected);
    drop(world.start());
    collector.spans(4).await;
    let sizes: Vec<_> = collector.received().iter().map(|it| it.spans().len()).collect();
    assert_eq!(sizes, [3, 1]);
    until(&world.traces, |counts| counts.exported == 4).await;
    assert_eq!(world.call("known").await, 200);
    collector.spans(5).await;
    assert_eq!(world.traces.counts().dropped, 6);
}

#[tokio::test]
async fn enough_spans_for_a_request_do_not_wait_for_more() {
    let collector = Collector::start(Behaviour::Take).await;
    let mut config = config(&collector);
    let delay = Duration::from_hours(1);
    config.batching = Batching { batch: 2, delay, ..config.batching };
    let world = World::running(config);
    world.call("known").await;
    world.call("known").await;
    collector.spans(2).await;
}

#[tokio::test]
async fn fewer_than_a_batch_wait_for_their_time_also_after_others_were_sent() {
    let collector = Collector::start(Behaviour::Take).await;
    let mut config = config(&collector);
    let delay = Duration::from_hours(1);
    config.batching = Batching { batch: 2, delay, ..config.batching };
    let mut world = World::new(config);
    for _ in 0..5 {
        world.call("known").await;
    }
    drop(world.start());
    until(&world.traces, |counts| counts.exported == 4).await;
    world.call("known").await;
    collector.spans(6).await;
    let sizes: Vec<_> = collector.received().iter().map(|it| it.spans().len()).collect();
    assert_eq!(sizes, [2, 2, 2]);
}

#[tokio::test]
async fn a_collector_that_hangs_holds_no_call_and_is_given_up() {
    let collector = Collector::start(Behaviour::Hang).await;
    let mut config = config(&collector);
    config.collector.timeout = Duration::from_millis(50);
    config.batching.timeout = Duration::from_millis(100);
    let world = World::running(config);
    for _ in 0..20 {
        assert_eq!(world.call("known").await, 200);
    }
    until(&world.traces, |counts| counts.failed > 0).await;
    let failure = world.traces.health().failure().unwrap();
    assert_eq!(
        (failure.job.as_str(), failure.error.as_str()),
        ("exporting traces", "no answer within 0 s")
    );
    collector.behave(Behaviour::Take);
    let before = world.traces.counts();
    world.call("known").await;
    until(&world.traces, |counts| counts.exported > before.exported).await;
    until(&world.traces, |_| world.traces.health().failure().is_none()).await;
}

#[tokio::test]
async fn what_may_succeed_later_is_tried_again_when_the_collector_says() {
    let all = [429, 502, 503, 504].map(|status| async move {
        let retry = vec![("retry-after", "0".to_owned())];
        let collector = Collector::start(Behaviour::Answer(status, retry)).await;
        let world = World::running(config(&collector));
        world.call("known").await;
        collector.spans(2).await;
        collector.behave(Behaviour::Take);
        until(&world.traces, |counts| counts.exported == 1).await;
        let counts = world.traces.counts();
        assert_eq!((counts.failed, counts.waiting), (0, 0), "{status}");
        // "At once" is not taken at its word: it was asked each second.
        assert!(collector.received().len() < 10, "{status}");
    });
    for one in all.map(tokio::spawn) {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn what_is_refused_is_not_tried_again_and_no_redirect_is_followed() {
    let other = Collector::start(Behaviour::Take).await;
    let to_other = |status| Behaviour::Answer(status, vec![("location", other.url())]);
    for (behaviour, error) in [
        (Behaviour::Answer(400, Vec::new()), "the collector answers 400 Bad Request"),
        (Behaviour::Answer(401, Vec::new()), "the collector answers 401 Unauthorized"),
        (to_other(307), "a redirect, which is not followed"),
        (to_other(308), "a redirect, which is not followed"),
        (
            Behaviour::Answer(200, vec![("content-type", "text/html".into())]),
            "is it the port for HTTP?",
        ),
    ] {
        let collector = Collector::start(behaviour).await;
        let mut config = config(&collector);
        config.collector.headers = traces::headers("authorization=hush").unwrap();
        let world = World::running(config);
        world.call("known").await;
        until(&world.traces, |counts| counts.failed == 1).await;
        let failure = world.traces.health().failure().unwrap();
        assert!(failure.error.contains(error), "{}", failure.error);
        assert!(!failure.error.contains("hush"));
        assert_eq!(collector.received().len(), 1);
    }
    assert_eq!(other.received().len(), 0);
}

#[tokio::test]
async fn spans_that_the_collector_does_not_take_are_counted() {
    let collector = Collector::start(Behaviour::Reject(1)).await;
    let mut world = World::new(config(&collector));
    for _ in 0..3 {
        world.call("known").await;
    }
    drop(world.start());
    until(&world.traces, |counts| counts.exported == 2 && counts.failed == 1).await;
}

#[tokio::test]
async fn a_collector_that_cannot_be_reached_holds_no_call() {
    let away = Collector::start(Behaviour::Take).await;
    let mut config = config(&away);
    // Nothing listens there.
    config.collector.endpoint = traces::Endpoint::of_all("http://127.0.0.1:1").unwrap();
    config.batching.timeout = Duration::from_millis(50);
    let world = World::running(config);
    assert_eq!(world.call("known").await, 200);
    until(&world.traces, |counts| counts.failed == 1).await;
}

#[tokio::test]
async fn at_the_stop_what_waits_is_sent() {
    let collector = Collector::start(Behaviour::Take).await;
    let mut config = config(&collector);
    config.batching = Batching { delay: Duration::from_hours(1), batch: 2, ..config.batching };
    let mut world = World::new(config);
    for _ in 0..3 {
        world.call("known").await;
    }
    let running = world.start();
    world.traces.close();
    running.await.unwrap();
    assert_eq!(collector.spans(3).await.len(), 3);
    assert_eq!(world.traces.counts().exported, 3);
    // It is over: this one is dropped.
    assert_eq!(world.call("known").await, 200);
    assert_eq!(world.traces.counts().dropped, 1);
}

#[tokio::test]
async fn a_collector_that_hangs_does_not_hold_the_stop() {
    let collector = Collector::start(Behaviour::Hang).await;
    let mut config = config(&collector);
    config.collector.timeout = Duration::from_hours(1);
    config.batching.timeout = Duration::from_hours(1);
    config.batching.batch = 2;
    let mut world = World::new(config);
    for _ in 0..5 {
        world.call("known").await;
    }
    let running = world.start();
    collector.spans(2).await;
    // The exporter waits for an answer. From here on time passes while all wait.
    tokio::time::pause();
    world.traces.close();
    running.await.unwrap();
    assert_eq!(world.traces.counts().failed, 5);
}
