//! 401 and 403.

use serde_json::json;

use crate::{
    servers::{Canned, Mcp},
    support::Client,
};

/// The issuer of tokens that are minted here.
const OURS: &str = "http://localhost:8000";
/// The requests of a run that is refused with 401: the handshake, and one for the server's name for
/// the refusal.
const ONCE: usize = 2;

const NEEDS: &str = r#"Bearer resource_metadata="http://127.0.0.1:1/", error="insufficient_scope", error_description="this needs the scope Admin.Write; the token has User.Read", scope="Admin.Write""#;

#[tokio::test(flavor = "multi_thread")]
async fn anonymous_is_shown_how_to_get_a_token() {
    let pointer = r#"Bearer resource_metadata="http://127.0.0.1:1/""#;
    let operator = "ask those who run the server for one, and set it as MCP_TOKEN";
    for (canned, hint) in [
        (Canned::new(401).challenge(pointer).naming_issuer(OURS), "get one with `just token"),
        // Another vendor's server on this machine, with metadata and without.
        (Canned::new(401).challenge(pointer).naming_issuer("https://as.example"), operator),
        (Canned::new(401).challenge("Bearer"), operator),
    ] {
        let (url, log) = canned.serve().await;
        let run = Client::at(&url, &[]).run().await.expect(4);
        let hint = if hint == operator { operator } else { &format!("{hint} --resource {url}`") };
        run.says(&format!(
            "error: {url} wants a token, and none is set (401 Unauthorized)\nhint: {hint}\n"
        ));
        assert_eq!(log.lines().len(), ONCE, "a 401 ends it: no other handshake is tried");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_names_the_request_that_was_refused() {
    let canned = Canned::new(401).challenge("Bearer").header("x-request-id", "00ff");
    let (url, _) = canned.serve().await;
    let verbs = ["tools", "call get_time", "resources", "read page://1", "prompts", "prompt trip"];
    for verb in verbs.into_iter().chain(["info", "ping", "listen"]) {
        let args: Vec<&str> = verb.split(' ').collect();
        let run = Client::at(&url, &args).run().await.expect(4);
        assert!(run.stderr.contains("\n  request  00ff\n"), "{verb}: {run:#?}");
        let run = Client::at(&url, &args).arg(&["--output=json"]).with_token().run().await;
        assert_eq!(run.expect(4).error()["request_id"], "00ff", "{verb}");
    }
    let run = Client::at(&url, &["explain"]).with_token().run().await.expect(6);
    assert!(run.stdout.contains("(401 Unauthorized); request 00ff\n"), "{run:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_reported_as_such() {
    let challenge = r#"Bearer error="invalid_token", error_description="The token is not valid""#;
    let (url, log) = Canned::new(401).challenge(challenge).serve().await;
    let client = || Client::at(&url, &["tools"]).with_token();
    client().run().await.expect(4).says(&format!(
        "error: {url} refuses the token (401 Unauthorized)\n\
         the server says: The token is not valid\n\
         hint: is it for another server, or revoked? \
         ask those who run the server for a new one, and set it as MCP_TOKEN\n"
    ));
    assert_eq!(log.lines().len(), ONCE);

    let error = client().arg(&["--output", "json"]).run().await.expect(4).error();
    assert_eq!(error["code"], "unauthorized");
    assert_eq!(error["exit_code"], 4);
    assert_eq!(error["server"], "The token is not valid");
    assert!(error["hint"].as_str().unwrap().contains("ask those who run the server"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_server_is_told_from_one_that_was_revoked() {
    let (url, _) = Canned::new(401).challenge("Bearer").naming_issuer(OURS).serve().await;
    for (audience, words) in [
        (
            "https://a.example",
            format!(
                "the token is for https://a.example: get one for this server with `just token --resource {url}`"
            ),
        ),
        (
            url.as_str(),
            format!(
                "is it revoked, or of another issuer? get a new one with `just token --resource {url}`"
            ),
        ),
    ] {
        let claims = json!({ "iss": "https://i.example", "sub": "alice", "aud": audience });
        let token = format!("e30.{}.c2ln", auth_core::base64url::encode(claims.to_string()));
        let run = Client::at(&url, &["tools"]).with("MCP_TOKEN", &token).run().await.expect(4);
        assert!(run.stderr.contains(&format!("hint: {words}\n")), "{run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_knows_when_its_token_has_expired_and_whose_it_is() {
    let claims = r#"{"iss":"https://i.example","sub":"alice","aud":"https://a.example","exp":1}"#;
    let token = format!("e30.{}.c2ln", auth_core::base64url::encode(claims));
    let (url, _) = Canned::new(401).challenge("Bearer").serve().await;
    let run = Client::at(&url, &["tools"]).with("MCP_TOKEN", &token).run().await.expect(4);
    assert!(run.stderr.contains("hint: it expired ") && run.stderr.contains(" ago: "), "{run:?}");
    let run = Client::at(&url, &["status"]).with("MCP_TOKEN", &token).run().await.expect(0);
    for text in ["user      alice", "server    https://a.example", "it has expired"] {
        assert!(run.stdout.contains(text), "{text}: {run:?}");
    }
    assert!(!run.stdout.contains("no tokens"), "{run:?}");
    let run = Client::at(&url, &["logout"]).with("MCP_TOKEN", &token).run().await.expect(0);
    let words = "no token was stored\nMCP_TOKEN or --token-file is still set and used: \
                 remove it yourself\n";
    assert_eq!(run.stdout, words);
    let run = Client::at(&url, &["logout"]).run().await.expect(0);
    assert_eq!(run.stdout, "no token was stored\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_the_server_does_not_go_by_is_not_a_matter_of_the_token() {
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32011,"message":"not my name",
        "data":{"error":"forbidden","header":"host","request_id":"00ff"}}}"#;
    let (url, _) = Canned::new(403).body(body).serve().await;
    let client = || Client::at(&url, &["tools"]);
    for client in [client(), client().with_token()] {
        let run = client.run().await.expect(5);
        let hint = format!(
            "hint: a new token will not help: use the URL that those who run the \
             server have set as its MCP_RESOURCE, or ask them to set it to {url}\n"
        );
        assert!(run.stderr.ends_with(&hint), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_without_a_challenge_is_a_401() {
    for body in [
        "",
        "<html>no</html>",
        r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32000,"message":"no"}}"#,
    ] {
        let canned = Canned::new(401).header("content-type", "application/json");
        let (url, log) = canned.body(body).serve().await;
        Client::at(&url, &[]).with_token().run().await.expect(4);
        assert_eq!(log.lines().len(), ONCE, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_401_in_the_middle_of_a_session_is_a_401() {
    for (old, method) in [(false, "tools/call"), (true, "tools/call"), (true, "initialize")] {
        let instead = Some((method, Canned::new(401).challenge("Bearer")));
        let (url, _) = Mcp { old, instead }.serve().await;
        Client::at(&url, &[]).with_token().run().await.expect(4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_named_and_how_to_get_it() {
    let refused = Canned::new(403).challenge(NEEDS).naming_issuer(OURS);
    let (url, _) = Mcp { old: false, instead: Some(("tools/call", refused)) }.serve().await;
    let client = || Client::at(&url, &[]).with_token();
    let hint = format!(
        "get a token with it: just token --resource {url} --scope \"Admin.Write User.Read\""
    );
    client().run().await.expect(5).says(&format!(
        "error: calling `get_time` needs a scope that the token does not have (403 Forbidden)\n\
         the server says: this needs the scope Admin.Write; the token has User.Read\n  \
           needed   Admin.Write\n  \
           granted  User.Read\n\
         hint: {hint}\n"
    ));
    let error = client().arg(&["--output=json"]).run().await.expect(5).error();
    assert_eq!(
        error,
        json!({
            "code": "forbidden",
            "exit_code": 5,
            "message": "calling `get_time` needs a scope that the token does not have (403 Forbidden)",
            "server": "this needs the scope Admin.Write; the token has User.Read",
            "hint": hint,
            "required": ["Admin.Write"],
            "granted": ["User.Read"],
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_vendors_403_falls_back_to_the_tokens_own_scopes() {
    let challenge = r#"Bearer error="insufficient_scope", error_description="More, please", scope="files:write""#;
    let (url, _) = Canned::new(403).challenge(challenge).serve().await;
    let run = Client::at(&url, &[]).with_token().run().await.expect(5);
    run.says(
        "error: calling `get_time` needs a scope that the token does not have (403 Forbidden)\n\
         the server says: More, please\n  \
           needed   files:write\n  \
           granted  User.Read\n\
         hint: ask those who run the server for a token with the scopes User.Read files:write\n",
    );
    let client = Client::at(&url, &["--output=json"]).with("MCP_TOKEN", "opaque-token");
    let error = client.run().await.expect(5).error();
    assert_eq!(error["required"], json!(["files:write"]));
    assert_eq!(error.get("granted"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_403_that_no_token_can_fix_says_so() {
    let roles = "this needs the scope Admin.Write; the user's roles do not allow it, so a new token would not help";
    // As our server says it, and as others do.
    let data = json!({
        "error": "access_denied", "required": ["Admin.Write"], "granted": ["User.Read"],
        "request_id": "0123456789abcdef",
    });
    let error = json!({ "code": -32011, "message": roles, "data": data });
    let ours = json!({ "jsonrpc": "2.0", "id": null, "error": error });
    let others = json!({"error": "access_denied", "error_description": roles});
    let lists = "  needed   Admin.Write\n  granted  User.Read\n  request  0123456789abcdef\n";
    let because = ": the user's roles do not allow it";
    // Text is not parsed: without `required`, another reason is possible.
    for (json, lists, because) in [(ours, lists, because), (others, "", "")] {
        let canned = Canned::new(403).header("content-type", "application/json");
        let (url, log) = canned.body(&json.to_string()).serve().await;
        let run = Client::at(&url, &[]).with_token().run().await.expect(5);
        run.says(&format!(
            "error: the server does not allow calling `get_time` (403 Forbidden)\n\
             the server says: {roles}\n\
             {lists}\
             hint: a new token will not help{because}\n",
        ));
        assert_eq!(log.lines().len(), 1);
    }

    let (url, _) = Canned::new(403).serve().await;
    let run = Client::at(&url, &["tools"]).with_token().run().await.expect(5);
    run.says(
        "error: the server does not allow listing the tools (403 Forbidden)\n\
         hint: a new token will not help\n",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_no_rule_permits_leads_to_the_list_of_tools() {
    let data = json!({ "request_id": "0123456789abcdef" });
    let error = json!({ "code": -32003, "message": "no rule permits this", "data": data });
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
    let canned = Canned::new(403).header("content-type", "application/json").body(&body);
    let (url, _) = canned.serve().await;
    Client::at(&url, &["call", "get_tme"]).with_token().run().await.expect(5).says(&format!(
        "error: the server does not allow calling `get_tme` (403 Forbidden)\n\
         the server says: no rule permits this\n  \
         request  0123456789abcdef\n\
         hint: a new token will not help: `just client tools --url {url}` lists the tools that you may use\n",
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_reason_for_a_403_is_not_mistaken_for_roles() {
    let words = "this user is disabled";
    let challenge = format!("Bearer error_description=\"{words}\"");
    let operator = "ask those who run the server";
    for (canned, hint) in [
        (Canned::new(403).body(words), format!("it is not about a token: {operator}")),
        (
            Canned::new(403).challenge(&challenge),
            format!("no token was sent: {operator} for one, and set it as MCP_TOKEN"),
        ),
    ] {
        let (url, _) = canned.serve().await;
        Client::at(&url, &[]).with_token().run().await.expect(5).says(
            "error: the server does not allow calling `get_time` (403 Forbidden)\n\
             the server says: this user is disabled\n\
             hint: a new token will not help\n",
        );
        let run = Client::at(&url, &[]).run().await.expect(5);
        assert!(run.stderr.ends_with(&format!("hint: {hint}\n")), "{run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_scopes_is_said_to_have_none() {
    // A proxy has taken the challenge away: the body says the same.
    let data = json!({
        "error": "insufficient_scope", "required": ["Admin.Write"], "granted": [],
        "request_id": "0123456789abcdef",
    });
    let words = "this needs the scope Admin.Write; the token has none";
    let error = json!({ "code": -32011, "message": words, "data": data });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "error": error }).to_string();
    let canned = Canned::new(403).header("content-type", "application/json").naming_issuer(OURS);
    let (url, _) = canned.body(&body).serve().await;
    let run = Client::at(&url, &[]).with_token().run().await.expect(5);
    assert!(run.stderr.contains("  granted  (none)\n"), "{run:#?}");
    let hint = format!("just token --resource {url} --scope \"Admin.Write\"\n");
    assert!(run.stderr.contains(&hint), "{run:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_the_server_is_sanitized_and_the_token_in_it_redacted() {
    let body = "\u{1b}[31mno\u{7}\n for $AUTHORIZATION";
    let (url, _) = Canned::new(403).body(body).serve().await;
    let run = Client::at(&url, &[]).with_token().run().await.expect(5);
    let words = "the server says: \\u{1b}[31mno\\u{7} for Bearer [token]\n";
    assert!(run.stderr.contains(words), "{run:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_scope_is_found_in_whichever_line_it_stands() {
    for before in ["DPoP algs=\"ES256\"", "Bearer", "Negotiate, Basic realm=\"x, y\""] {
        let canned = Canned::new(403).challenge(before).challenge(NEEDS);
        let (url, _) = Mcp { old: false, instead: Some(("tools/call", canned)) }.serve().await;
        let run = Client::at(&url, &[]).with_token().run().await.expect(5);
        assert!(run.stderr.contains("  needed   Admin.Write\n"), "{before}: {run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_user_gets_the_command_that_adds_them() {
    let text = "you are 5f0c of https://as.example/realms/a: the user does not exist here";
    let serve = |subject: &str| {
        let data = json!({
            "error": "access_denied", "issuer": "https://as.example/realms/a", "subject": subject,
            "request_id": "0123456789abcdef",
        });
        let error = json!({ "code": -32011, "message": text, "data": data });
        let body = json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
        Canned::new(403).header("content-type", "application/json").body(&body).serve()
    };
    let (url, _) = serve("5f0c").await;
    let run = Client::at(&url, &["tools"]).with("MCP_TOKEN", "opaque-token").run().await.expect(5);
    run.says(&format!(
        "error: the server does not allow listing the tools (403 Forbidden)\n\
         the server says: {text}\n  \
           request  0123456789abcdef\n\
         hint: ask those who run the server to add you with \
         `just server users add 5f0c --issuer https://as.example/realms/a`, or to enable you\n"
    ));
    // What a shell would not leave alone is in no command.
    let (url, _) = serve("$(touch x)").await;
    let run = Client::at(&url, &["tools"]).with("MCP_TOKEN", "opaque-token").run().await.expect(5);
    assert!(run.stderr.ends_with("with `just server users add`, or to enable you\n"), "{run:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_unauthenticated_requests_needs_no_sign_in() {
    let (url, _) = Mcp::default().serve().await;
    let run = Client::at(&url, &["explain"]).run().await.expect(0);
    assert!(run.stdout.contains("none is needed"), "{run:#?}");
    assert!(!run.stdout.contains("client login"), "{run:#?}");
}
