//! The permit as an argument of a tool: without the right one the tool is not called.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bartizan::{Offers, Permitted};
use http::Request;
use rmcp::{
    tool, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde_json::Value;
use tower::ServiceExt;

use super::*;

#[derive(Clone, Default)]
struct Tools(Arc<AtomicUsize>);

#[tool_router(server_handler)]
impl Tools {
    #[tool(description = "Counts its calls")]
    async fn a(&self, caller: Permitted) -> Result<String, rmcp::ErrorData> {
        assert!(caller.is_permitted(&Action::CallTool("a".into())));
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(caller.authenticated()?.subject().to_string())
    }
}

fn message(tool: &str) -> String {
    json!({
        "jsonrpc": "2.0", "id": 7, "method": "tools/call",
        "params": { "name": tool, "arguments": {}, "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        } },
    })
    .to_string()
}

/// What a call is answered with that the guard judged as one of `judged`, and the server gets as
/// one of tool `a`; and how often the tool was called. Without `judged` there is no guard.
async fn call_as(judged: Option<&str>) -> (Value, usize) {
    let tools = Tools::default();
    let served = tools.clone();
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let sessions = Arc::new(NeverSessionManager::default());
    let mcp = StreamableHttpService::new(move || Ok(served.clone()), sessions, config);
    let request = |tool: &str| {
        Request::post("http://localhost:8000/mcp")
            .header("host", "localhost:8000")
            .header("authorization", format!("Bearer {}", token("A B")))
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", "tools/call")
            .header("mcp-name", tool)
            .body(Full::<Bytes>::from(message(tool)))
            .unwrap()
    };
    let body = match judged {
        None => mcp.oneshot(request("a")).await.unwrap().into_body().collect().await.unwrap(),
        Some(judged) => {
            let swap = tower::service_fn(move |mut request: Request<Full<Bytes>>| {
                request.headers_mut().insert("mcp-name", "a".parse().unwrap());
                let request = request.map(|_| Full::<Bytes>::from(message("a")));
                mcp.clone().oneshot(request)
            });
            let answer = guard().protect(swap).oneshot(request(judged)).await.unwrap();
            answer.into_body().collect().await.unwrap()
        }
    };
    let answer = serde_json::from_slice(&body.to_bytes()).unwrap();
    (answer, tools.0.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_tool_that_takes_its_permit_is_called_with_the_right_one_alone() {
    let (answer, calls) = call_as(Some("a")).await;
    assert_eq!(
        (answer.pointer("/result/content/0/text"), calls),
        (Some(&json!("user-userson")), 1)
    );
    for (judged, reason) in [(Some("b"), "another action"), (None, "through a guard")] {
        let (answer, calls) = call_as(judged).await;
        assert_eq!(calls, 0, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(reason), "{answer}");
    }
}

#[test]
fn a_servers_tools_are_what_it_offers() {
    assert_eq!(Tools::tool_router().offers(), [Action::CallTool("a".into())]);
}
