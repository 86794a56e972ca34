//! Pages: headers, framing, scripts, other origins, open redirects, and who answers.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::common::{Answer, REDIRECT, World, authorize};

const FORM: &str = "application/x-www-form-urlencoded";

/// Every page for people: each answer that is HTML.
async fn pages(world: &World) -> Vec<(String, Answer)> {
    let mut alice = world.signed_in("alice").await;
    let mut nobody = world.browser();
    let mut all = Vec::new();
    let paths = [
        authorize(&[]),
        authorize(&[("client_id", "gone")]),
        authorize(&[("client_id", "https://10.0.0.1/app.json")]),
        authorize(&[("redirect_uri", "https://evil.example/")]),
        authorize(&[("client_id", "web"), ("redirect_uri", "web.example:/callback")]),
        "/sign-in".into(),
        "/sign-in/link".into(),
        "/sign-in/link?token=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into(),
        "/device".into(),
        "/device?user_code=WDJB-MJHT".into(),
        "/account".into(),
    ];
    for path in paths {
        all.push((format!("alice: {path}"), alice.get(&path).await));
        all.push((format!("nobody: {path}"), nobody.get(&path).await));
    }
    for path in
        ["/authorize", "/sign-in", "/sign-in/link", "/sign-in/second", "/sign-out", "/device"]
    {
        for body in ["", "csrf=x&request=x", "%zz"] {
            all.push((format!("POST {path} {body}"), alice.post(path, body.into()).await));
            all.push((format!("POST {path} {body}"), nobody.post(path, body.into()).await));
        }
    }
    let is_html = |answer: &Answer| answer.header("content-type").starts_with("text/html");
    all.retain(|(_, answer)| is_html(answer));
    all
}

#[tokio::test]
async fn no_page_can_be_framed_scripted_cached_or_referred_from() {
    let world = World::new().await;
    let pages = pages(&world).await;
    assert!(pages.len() > 20, "{}", pages.len());
    for (name, page) in pages {
        assert_eq!(page.header("x-frame-options"), "DENY", "{name}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{name}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{name}");
        assert_eq!(page.header("cache-control"), "no-store", "{name}");
        assert!(page.headers.get("access-control-allow-origin").is_none(), "{name}");
        let policy = page.header("content-security-policy");
        let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
        for needed in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(directives.contains(&needed), "{name}: {policy}");
        }
        for directive in directives {
            let (kind, values) = directive.split_once(' ').unwrap();
            let is_known = match kind {
                "default-src" | "frame-ancestors" | "base-uri" => values == "'none'",
                "style-src" => values == "'self'",
                "img-src" => values == "data:",
                "form-action" => values.starts_with("'self'") && !values.contains('*'),
                _ => false,
            };
            assert!(is_known, "{name}: {directive}");
        }
        let html = page.body.to_ascii_lowercase();
        for never in [
            "<script",
            "javascript:",
            " onclick",
            " onload",
            " onerror",
            " style=",
            "<iframe",
            "<base",
        ] {
            assert!(!html.contains(never), "{name}: {never}");
        }
        for outside in ["src=\"http", "src=\"//", "@import", "url(http"] {
            assert!(!html.contains(outside), "{name}: {outside}");
        }
    }
}

/// What a page may not read, a program of any origin may: it has no cookie there.
#[tokio::test]
async fn another_origin_reads_no_page_and_sends_no_cookie() {
    let world = World::new().await;
    for (path, is_open) in [
        (authorize(&[]), false),
        ("/sign-in".into(), false),
        ("/jwks.json".into(), true),
        ("/.well-known/oauth-authorization-server".into(), true),
    ] {
        for method in [Method::GET, Method::OPTIONS] {
            let request = Request::builder()
                .method(method.clone())
                .uri(&path)
                .header("origin", "https://evil.example")
                .header("access-control-request-method", "GET");
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, if is_open { "*" } else { "" }, "{method} {path}");
            let credentials = answer.headers.get("access-control-allow-credentials");
            assert!(credentials.is_none(), "{method} {path}");
        }
    }
}

/// Where somebody goes after signing in or out: nowhere else.
#[tokio::test]
async fn nothing_leads_to_another_site() {
    let world = World::new().await;
    for place in [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "http:evil.example",
        "javascript:alert(1)",
        "data:text/html,a",
        "/account/../..//evil.example",
        "/account?next=//evil.example",
        "/device?user_code=//evil.example",
        "@evil.example",
        "account@evil.example",
        "\r\nLocation: https://evil.example/",
        "/account\r\nLocation: https://evil.example/",
        "client_id=public\r\nSet-Cookie: a=b",
    ] {
        let mut browser = world.browser();
        let form = browser.get("/sign-in").await.form("/sign-in");
        let typed = [("request", place), ("user", "alice"), ("secret", "x")];
        let answers = [
            browser.submit(form.clone(), &typed).await,
            browser
                .get(&format!("/sign-in?{}", auth_core::oauth::encode([("request", place)])))
                .await,
            world.signed_in("alice").await.submit(form, &typed).await,
        ];
        for answer in answers {
            if let Some(location) = answer.headers.get("location") {
                let location = location.to_str().unwrap();
                let is_ours = location.starts_with('/') && !location.starts_with("//");
                assert!(is_ours && !location.contains('\\'), "{place:?}: {location}");
            }
            assert!(!answer.body.contains("http-equiv"), "{place:?}");
            let forms = answer.forms();
            assert!(forms.iter().all(|form| form.action.starts_with('/')), "{place:?}");
            assert!(!answer.body.contains("href=\"https://evil"), "{place:?}");
            assert!(!answer.body.contains("href=\"//evil"), "{place:?}");
        }
    }
}

/// The client learns who answers, and finds the same in the metadata (RFC 9207 §2.4): an answer
/// cannot be taken for another server's.
#[tokio::test]
async fn every_answer_says_once_who_gives_it() {
    let world = World::new().await;
    let metadata = world.get("/.well-known/oauth-authorization-server").await.json();
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
    let issuer = metadata["issuer"].as_str().unwrap();
    let mut alice = world.signed_in("alice").await;
    let answers = [
        alice.allow(&authorize(&[])).await,
        alice.allow(&authorize(&[("state", "&iss=https://evil.example")])).await,
        alice.decide(&authorize(&[]), &[("decision", "deny")]).await,
        alice.get(&authorize(&[("response_type", "token")])).await,
        alice.get(&authorize(&[("iss", "https://evil.example"), ("scope", "\"")])).await,
    ];
    for answer in answers {
        let location = answer.location();
        assert_eq!(answer.parameter("iss").as_deref(), Some(issuer), "{location}");
        let query = location.split_once('?').unwrap().1;
        let names = query.split('&').map(|pair| pair.split('=').next().unwrap());
        assert_eq!(names.filter(|name| *name == "iss").count(), 1, "{location}");
        assert!(location.starts_with(REDIRECT));
    }
}

/// What the server says of itself does not follow the request.
#[tokio::test]
async fn the_metadata_does_not_follow_headers() {
    let world = World::new().await;
    let path = "/.well-known/oauth-authorization-server";
    let plain = world.get(path).await.body;
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "https://evil.example/"),
    ] {
        let request = Request::get(path).header(name, value).body(Body::empty()).unwrap();
        assert_eq!(world.send(request).await.body, plain, "{name}");
    }
    assert!(!plain.contains("evil"));
}

#[tokio::test]
async fn each_path_has_its_methods_and_others_are_none() {
    let world = World::new().await;
    for (path, good) in [
        ("/authorize", &["GET", "HEAD", "POST"][..]),
        ("/token", &["POST", "OPTIONS"]),
        ("/register", &["POST", "OPTIONS"]),
        ("/revoke", &["POST", "OPTIONS"]),
        ("/introspect", &["POST", "OPTIONS"]),
        ("/jwks.json", &["GET", "HEAD", "OPTIONS"]),
        ("/sign-in", &["GET", "HEAD", "POST"]),
        ("/sign-in/link", &["GET", "HEAD", "POST"]),
        ("/sign-out", &["POST"]),
        ("/style.css", &["GET", "HEAD"]),
        ("/.well-known/oauth-authorization-server", &["GET", "HEAD", "OPTIONS"]),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"]
        {
            let request = Request::builder().method(method).uri(path).header("content-type", FORM);
            let answer = world.send(request.body(Body::empty()).unwrap()).await;
            let is_there = answer.status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(is_there, good.contains(&method), "{method} {path}: {}", answer.status);
        }
    }
    for path in
        ["/authorize/", "/token/", "/Token", "//token", "/.well-known/oauth-authorization-server/x"]
    {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// A program that is refused learns nothing of what is there: a known and an unknown token, code
/// or client are one text.
#[tokio::test]
async fn what_is_there_is_not_told() {
    let world = World::new().await;
    let code = world.code("alice").await;
    let tokens = world.exchange(&code).await.json();
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let foreign = [("client_id", "web")];
    let known = world.exchange_with(&code, &foreign).await;
    let unknown = world.exchange_with("unknown", &foreign).await;
    assert_eq!((known.status, known.json()), (unknown.status, unknown.json()));
    let known = world.refresh_with(refresh, &foreign).await;
    let unknown = world.refresh_with("unknown", &foreign).await;
    assert_eq!((known.status, known.json()), (unknown.status, unknown.json()));
    let secret = [("client_id", "confidential"), ("client_secret", "wrong")];
    let known = world.exchange_with(&code, &secret).await;
    let unknown = world.exchange_with(&code, &[("client_id", "gone"), ("client_secret", "wrong")]);
    let unknown = unknown.await;
    assert_eq!((known.status, known.json()), (unknown.status, unknown.json()));
    assert_eq!(known.json()["error"], json!("invalid_client"));
}
