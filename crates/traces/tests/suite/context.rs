//! Where a span belongs: by the message, by the headers, or to a trace of its own.

use http::request::Builder;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;
use traces::Sampler;

use crate::{
    collector::{Behaviour, Collector},
    world::{OK, World, config, message},
};

const OF_HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OF_MESSAGE: &str = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The ids of trace and parent.
fn place(span: &Span) -> String {
    format!("{}-{}", hex(&span.trace_id), hex(&span.parent_span_id))
}

fn call(meta: &serde_json::Value) -> String {
    message("tools/call", &json!({ "name": "known", "_meta": meta }))
}

fn with(request: Builder, headers: &[(&str, &str)]) -> Builder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

#[tokio::test]
async fn the_parent_is_that_of_the_message_and_else_that_of_the_header() {
    let collector = Collector::start(Behaviour::Take).await;
    let world = World::running(config(&collector));
    let header = [("traceparent", OF_HEADER), ("tracestate", "h=1")];
    let meta = json!({ "traceparent": OF_MESSAGE, "tracestate": "m=1" });
    let mut known = Vec::new();
    for (headers, meta) in [
        (&header[..], &json!({})),
        (&[][..], &meta),
        (&header[..], &meta),
        (&[("traceparent", OF_MESSAGE)][..], &meta),
    ] {
        let request = with(world.post(), headers);
        known.push(world.send(request, &call(meta), OK).await.1.unwrap());
        collector.spans(known.len()).await;
    }
    let spans = collector.spans(4).await;
    let places: Vec<_> = spans.iter().map(place).collect();
    let (of_header, of_message) = (&OF_HEADER[3..52], &OF_MESSAGE[3..52]);
    assert_eq!(places, [of_header, of_message, of_message, of_message]);
    let states: Vec<_> = spans.iter().map(|span| span.trace_state.as_str()).collect();
    assert_eq!(states, ["h=1", "m=1", "m=1", "m=1"]);
    assert!(spans.iter().all(|span| span.flags == 0x301));
    // The transport's own span is linked where it is another.
    let links: Vec<_> = spans.iter().map(|span| span.links.len()).collect();
    assert_eq!(links, [0, 0, 1, 0]);
    let link = &spans[2].links[0];
    assert_eq!(format!("{}-{}", hex(&link.trace_id), hex(&link.span_id)), of_header);
    // What the server behind names as its parent is the span itself.
    for (span, known) in spans.iter().zip(known) {
        assert_eq!(hex(&span.span_id), known.span.to_string());
        assert_eq!(hex(&span.trace_id), known.trace.to_string());
        assert!(known.is_sampled);
    }
}

#[tokio::test]
async fn what_is_wrong_is_ignored_and_the_span_begins_a_trace() {
    let collector = Collector::start(Behaviour::Take).await;
    let world = World::running(config(&collector));
    let long = format!("cc-{}-{}", &OF_HEADER[3..], "x".repeat(300));
    for wrong in ["", "00-0", &OF_HEADER.replacen("00", "ff", 1), &long] {
        let request = with(world.post(), &[("traceparent", wrong), ("tracestate", "h=1")]);
        world.send(request, &call(&json!({ "traceparent": wrong })), OK).await;
    }
    let spans = collector.spans(4).await;
    let mut traces: Vec<_> = spans.iter().map(|span| span.trace_id.clone()).collect();
    traces.sort();
    traces.dedup();
    assert_eq!(traces.len(), 4);
    for span in spans {
        assert!(span.parent_span_id.is_empty() && span.trace_state.is_empty());
        assert_ne!(hex(&span.trace_id), &OF_HEADER[3..35]);
    }
}

#[tokio::test]
async fn a_caller_decides_whether_its_request_is_sampled_unless_the_sampler_says_otherwise() {
    let unsampled = OF_HEADER.replace("-01", "-00");
    for (sampler, sampled) in [
        ("parentbased_always_on", [true, false, true]),
        ("parentbased_always_off", [true, false, false]),
        ("always_on", [true, true, true]),
        ("always_off", [false, false, false]),
    ] {
        let collector = Collector::start(Behaviour::Take).await;
        let mut config = config(&collector);
        config.sampler = Sampler::parse(sampler, None).unwrap();
        let mut world = World::new(config);
        for (parent, sampled) in [Some(OF_HEADER), Some(&unsampled), None].into_iter().zip(sampled)
        {
            let headers: Vec<_> = parent.iter().map(|parent| ("traceparent", *parent)).collect();
            let before = world.traces.counts().waiting;
            let (_, known) = world.send(with(world.post(), &headers), &call(&json!({})), OK).await;
            let added = world.traces.counts().waiting - before;
            assert_eq!(added, usize::from(sampled), "{sampler} {parent:?}");
            let known = known.unwrap();
            assert_eq!(known.is_sampled, sampled);
            if let Some(parent) = parent {
                assert_eq!(known.trace.to_string(), &parent[3..35]);
            }
        }
        drop(world.start());
    }
}
