//! The authorization endpoint and its pages.

use http::header;

use super::{CALLBACK, Client, Tokens, with};
use crate::{
    browser::{Browser, authorize},
    documents::{Documents, OTHER_PATH},
    program::{Ask, Program, assert_text, parameter},
};

/// 8: mcpc and older versions of Claude Code ask for no scope, Claude on the web for its own.
#[tokio::test]
async fn without_a_known_scope_the_page_offers_all_and_the_answer_names_the_scopes() {
    let program = Program::start();
    let client = Client::public(&program).await;
    for scope in [None, Some(""), Some("claudeai")] {
        let tokens = client.tokens_for(&with(client.request(), "scope", scope)).await;
        assert!(tokens.scope.split(' ').any(|it| it == "User.Read"), "{scope:?}: {}", tokens.scope);
        let answer = program.call("whoami", &tokens.access).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let request = with(client.request(), "scope", Some("User.Read Nothing.Known"));
    let tokens = client.tokens_for(&request).await;
    assert!(!tokens.scope.contains("Nothing"), "{}", tokens.scope);
}

/// 10: six clients send `prompt=consent` with `offline_access`; others send parameters of OpenID
/// Connect.
#[tokio::test]
async fn parameters_of_openid_connect_show_the_page_and_do_nothing_more() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let request = with(client.request(), "scope", Some("User.Read offline_access"));
    let request = with(request, "prompt", Some("consent"));
    let request = with(request, "nonce", Some("a-nonce"));
    let request = with(request, "display", Some("page"));
    assert!(!client.tokens_for(&request).await.refresh.is_empty());
}

/// 11: VS Code's state is standard base64, or a whole address; mcpc sends none.
#[tokio::test]
async fn the_state_comes_back_byte_for_byte_or_not_at_all() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let long = "s".repeat(200);
    let states = [
        "q+/8aVX/Zx1+sQmJd0kP+Q==",
        "vscode://dynamicauthprovider/localhost:8000/authorize?nonce=0123&a=b",
        "alice:rec",
        "a b%20c+d",
        &long,
    ];
    let mut browser = Browser::new();
    for state in states {
        let request = with(client.request(), "state", Some(state));
        let sent = browser.open(&program, &authorize(request)).await.sent();
        assert_eq!(parameter(&sent, "state").as_deref(), Some(state), "{sent}");
        let raw = sent.split("state=").nth(1).unwrap().split('&').next().unwrap();
        let plain = |it: char| it.is_ascii_alphanumeric() || "-._~%".contains(it);
        assert!(raw.chars().all(plain), "percent-encoded: {sent}");
    }
    let request = with(client.request(), "state", None);
    let sent = browser.open(&program, &authorize(request)).await.sent();
    assert!(!sent.contains("state"), "{sent}");
}

/// 12: VS Code finds the code in the query with a regular expression.
#[tokio::test]
async fn codes_have_unreserved_characters_alone() {
    let program = Program::start();
    let client = Client::public(&program).await;
    for _ in 0..3 {
        let code = client.code().await;
        let unreserved = |it: char| it.is_ascii_alphanumeric() || "-._~".contains(it);
        assert!(code.chars().all(unreserved), "{code}");
    }
}

/// 13 and 31: Codex does not decode `+`, VS Code shows the text in a page; and all but goose wait
/// for the browser to come back with an error.
#[tokio::test]
async fn a_denial_goes_back_to_the_client_in_text_that_may_be_shown() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let mut browser = Browser::new();
    browser.allows = false;
    let sent = browser.open(&program, &authorize(client.request())).await.sent();
    assert!(sent.starts_with(&format!("{CALLBACK}?")), "{sent}");
    assert_eq!(parameter(&sent, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&sent, "state").as_deref(), Some("a-state"));
    assert_eq!(parameter(&sent, "iss").as_ref(), Some(&program.origin));
    assert!(parameter(&sent, "code").is_none());
    assert_text(&parameter(&sent, "error_description").unwrap());
    assert!(sent.contains("%20") && !sent.contains('+'), "{sent}");
}

/// 13: an error of the request goes the same way.
#[tokio::test]
async fn an_error_in_the_request_goes_back_to_the_client_with_the_issuer() {
    let program = Program::start();
    let client = Client::public(&program).await;
    for (name, value, error) in [
        ("response_type", Some("token"), "unsupported_response_type"),
        ("code_challenge_method", Some("plain"), "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("resource", Some("https://other.example/mcp"), "invalid_target"),
    ] {
        let request = with(client.request(), name, value);
        let sent = Browser::new().open(&program, &authorize(request)).await.sent();
        assert_eq!(parameter(&sent, "error").as_deref(), Some(error), "{name}: {sent}");
        assert_eq!(parameter(&sent, "state").as_deref(), Some("a-state"), "{name}");
        assert_eq!(parameter(&sent, "iss").as_ref(), Some(&program.origin), "{name}");
        assert_text(&parameter(&sent, "error_description").unwrap());
    }
}

/// 18: mcp-remote helps itself after JSON alone, FastMCP after the status; a person learns which
/// program it was.
#[tokio::test]
async fn an_unknown_client_gets_json_or_a_page_and_nothing_happens() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let request = with(client.request(), "client_id", Some("never-registered"));
    let path = authorize(request);
    let json = program.send(Ask::get(&path).header("Accept", "application/json")).await;
    json.assert_error(400, "invalid_client");
    let page = program.send(Ask::get(&path).header("Accept", "text/html,*/*;q=0.8")).await;
    assert_eq!(page.status, 400, "{page:?}");
    assert!(page.header(&header::CONTENT_TYPE).unwrap().starts_with("text/html"));
    assert!(page.body.contains("never-registered"), "{page:?}");
    assert!(page.body.contains("asks to send you back to"), "{page:?}");
    for answer in [&json, &page] {
        assert!(answer.headers.get(header::SET_COOKIE).is_none(), "{answer:?}");
        assert!(answer.headers.get(header::LOCATION).is_none(), "{answer:?}");
    }
}

/// 19: FastMCP and mcp-remote send the request themselves, before the browser does.
#[tokio::test]
async fn the_request_may_be_made_twice_and_shows_a_page_each_time() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let path = authorize(client.request());
    for accept in ["*/*", "application/json"] {
        let answer = program.send(Ask::get(&path).header("Accept", accept)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header(&header::CACHE_CONTROL), Some("no-store"));
    }
    let mut browser = Browser::new();
    let sent = browser.open(&program, &path).await.sent();
    assert!(parameter(&sent, "code").is_some(), "{sent}");
}

/// 29: Codex, Gemini CLI, FastMCP, goose and our client give up after five minutes.
#[tokio::test]
async fn the_pages_say_that_the_program_gives_up_after_five_minutes() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let mut browser = Browser::new();
    browser.open(&program, &authorize(client.request())).await.sent();
    let [sign_in, consent] = browser.pages.as_slice() else { panic!("{:?}", browser.pages) };
    for page in [sign_in, consent] {
        assert!(page.contains("five minutes") || page.contains("5 minutes"), "{page}");
    }
}

/// 30: after a denial Codex opens a second page that asks for more.
#[tokio::test]
async fn a_denial_is_remembered_and_the_next_page_says_so() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let mut browser = Browser::new();
    browser.allows = false;
    let request = with(client.request(), "scope", Some("User.Read"));
    browser.open(&program, &authorize(request)).await.sent();
    let first = browser.pages.last().unwrap().clone();
    browser.allows = true;
    let sent = browser.open(&program, &authorize(client.request())).await.sent();
    assert!(parameter(&sent, "code").is_some());
    let second = browser.pages.last().unwrap();
    assert!(second.contains("declined") && !first.contains("declined"), "{second}");
}

/// 35: the Python SDK, mcporter and FastMCP sign in again where others refresh.
#[tokio::test]
async fn a_repeated_sign_in_is_one_click() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let mut browser = Browser::new();
    browser.open(&program, &authorize(client.request())).await.sent();
    assert_eq!((browser.pages.len(), browser.sign_ins), (2, 1));
    for prompt in [None, Some("consent")] {
        browser.pages.clear();
        let request = with(client.request(), "prompt", prompt);
        let sent = browser.open(&program, &authorize(request)).await.sent();
        assert!(parameter(&sent, "code").is_some(), "{sent}");
        assert_eq!((browser.pages.len(), browser.sign_ins), (1, 1), "{prompt:?}");
        assert!(browser.pages[0].contains("value=\"continue\""), "{}", browser.pages[0]);
    }
}

/// 9: TypeScript clients 1, mcporter, mcpc, Cline and the Python SDK 1 never ask for
/// `offline_access`.
#[tokio::test]
async fn a_refresh_token_comes_whether_it_is_asked_for_or_not() {
    let program = Program::start();
    let client = Client::public(&program).await;
    for scope in ["User.Read", "User.Read offline_access"] {
        let tokens = client.tokens_for(&with(client.request(), "scope", Some(scope))).await;
        let again = Tokens::of(&program.token(&client.refresh(&tokens.refresh)).await);
        assert_ne!(again.refresh, tokens.refresh);
    }
}

/// 14: the document of opencode has another path than its request.
#[tokio::test]
async fn a_callback_that_a_metadata_document_lacks_is_explained() {
    let documents = Documents::serve().await;
    let program = documents.program();
    let client = Client::public(&program).await;
    let request = with(client.request(), "client_id", Some(OTHER_PATH));
    let uri = "http://127.0.0.1:19876/mcp/oauth/callback";
    let request = with(request, "redirect_uri", Some(uri));
    let page = Browser::new().open(&program, &authorize(request)).await.page();
    assert_eq!(page.status, 400, "{page:?}");
    assert!(page.body.contains(uri), "{page:?}");
}
