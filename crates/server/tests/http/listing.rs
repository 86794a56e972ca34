//! Row 29: lists show what the caller may use, and are for no other caller's cache.

use serde_json::{Value, json};

use crate::harness::{TestServer, request, send};

async fn list(server: &TestServer, subject: &str, scope: &str, method: &str) -> Value {
    let params = json!({ "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
    } });
    let request = server
        .post(request(method, &params))
        .bearer_auth(server.token(subject, scope))
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method.to_owned());
    let result = send(request).await.json()["result"].clone();
    assert_eq!(result["cacheScope"], "private", "{method}");
    assert_eq!(result["ttlMs"], 0, "{method}");
    result
}

fn names(list: &Value, kind: &str, member: &str) -> Vec<String> {
    list[kind]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item[member].as_str().unwrap().into())
        .collect()
}

#[tokio::test]
async fn callers_see_the_tools_and_resources_they_may_use() {
    let server = TestServer::start().await;
    let admin = list(&server, "admin", "Admin.Write User.Read", "tools/list").await;
    assert_eq!(names(&admin, "tools", "name"), ["get_time", "whoami"]);
    let reader = list(&server, "admin", "User.Read", "tools/list").await;
    assert_eq!(names(&reader, "tools", "name"), ["whoami"]);
    let user = list(&server, "user", "Admin.Write", "tools/list").await;
    assert_eq!(names(&user, "tools", "name"), ["whoami"], "the roles forbid it");

    let reader = list(&server, "guest", "User.Read", "resources/list").await;
    assert_eq!(names(&reader, "resources", "uri"), ["server://info"]);
    let other = list(&server, "guest", "", "resources/list").await;
    assert_eq!(names(&other, "resources", "uri"), [""; 0]);
    let templates = list(&server, "guest", "", "resources/templates/list").await;
    assert_eq!(names(&templates, "resourceTemplates", "name"), [""; 0]);
}

#[tokio::test]
async fn tools_say_what_they_answer() {
    let server = TestServer::start().await;
    let tools = list(&server, "admin", "Admin.Write", "tools/list").await;
    let schema = &tools["tools"][0]["outputSchema"];
    let required = ["current_time", "timezone", "timestamp", "formatted"];
    assert_eq!(schema["required"], json!(required));
    let answer = server.get_time(&server.token("admin", "Admin.Write")).await.json();
    let structured = &answer["result"]["structuredContent"];
    assert_eq!(structured["timestamp"], json!(1_800_000_000.0));
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert_eq!(&serde_json::from_str::<Value>(text).unwrap(), structured);
}
