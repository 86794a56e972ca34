//! Every page of the gallery, as text: nothing runs, nothing gets in, every form is complete.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "../examples/gallery/samples.rs"]
mod samples;

use std::collections::{BTreeMap, BTreeSet};

use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;

/// A page as it was answered.
struct Answer {
    name: &'static str,
    status: StatusCode,
    headers: HeaderMap,
    html: String,
}

/// An element's begin tag or, with a slash, its end tag.
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
}

impl Tag {
    fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.attributes.contains_key(name)
    }
}

async fn answers() -> Vec<Answer> {
    let mut answers = Vec::new();
    for (name, response) in samples::samples() {
        let (parts, body) = response.into_parts();
        let html = body.collect().await.unwrap().to_bytes();
        let html = String::from_utf8(html.to_vec()).unwrap();
        answers.push(Answer { name, status: parts.status, headers: parts.headers, html });
    }
    answers
}

/// The text of a page, by name.
async fn html(name: &str) -> String {
    answers().await.into_iter().find(|it| it.name == name).unwrap().html
}

/// The tags of a page. A `<` is only ever the beginning of one: text is escaped.
fn tags(html: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let mut is_quoted = false;
        let end = after.find(|c| {
            is_quoted ^= c == '"';
            c == '>' && !is_quoted
        });
        let end = end.expect("a tag ends");
        tags.push(tag(&after[..end]));
        rest = &after[end..];
    }
    tags
}

fn tag(text: &str) -> Tag {
    let text = text.strip_suffix('/').unwrap_or(text);
    let (name, mut rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut attributes = BTreeMap::new();
    while !rest.trim().is_empty() {
        rest = rest.trim_start();
        let (name, after) = rest.split_at(rest.find([' ', '=']).unwrap_or(rest.len()));
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').expect("a value ends"),
            None => ("", after),
        };
        rest = after;
        assert!(attributes.insert(name.to_owned(), value.to_owned()).is_none(), "{name} twice");
    }
    Tag { name: name.to_owned(), attributes }
}

const ELEMENTS: &str = "!doctype a bdi body button code dd details div dl dt fieldset footer form \
    h1 h2 h3 head header html img input label legend li link main meta p path section span strong \
    summary svg time title ul";

const ATTRIBUTES: &str = "action alt aria-describedby aria-hidden aria-invalid aria-label \
    autocapitalize autocomplete autocorrect autofocus charset checked class content d datetime dir \
    focusable for formmethod height hidden href html http-equiv id inputmode lang maxlength method \
    minlength name open readonly rel required role spellcheck src type value viewBox width";

#[tokio::test]
async fn a_page_has_markup_of_ours_and_no_other() {
    let elements: BTreeSet<_> = ELEMENTS.split(' ').collect();
    let attributes: BTreeSet<_> = ATTRIBUTES.split(' ').collect();
    for Answer { name, html, .. } in answers().await {
        for tag in tags(&html) {
            let element = tag.name.trim_start_matches('/');
            assert!(elements.contains(element), "{name}: <{element}>");
            for attribute in tag.attributes.keys() {
                assert!(attributes.contains(&**attribute), "{name}: {attribute}=");
            }
        }
        assert!(!html.contains("<script"), "{name}");
    }
}

#[tokio::test]
async fn hostile_text_is_escaped_cut_and_isolated() {
    let mut seen = 0;
    for Answer { name, html, .. } in answers().await {
        assert!(!html.contains(['\u{202e}', '\u{0}']), "{name}");
        for (at, _) in html.match_indices("&#60;script&#62;alert(1)") {
            let (before, _) = html.split_at(at);
            let line = before.rsplit('\n').next().unwrap();
            let in_attribute = line.rfind("=\"") > line.rfind("\">").max(line.rfind("\" "));
            let is_isolated = line.rfind("<bdi") > line.rfind("</bdi>");
            assert!(in_attribute || is_isolated, "{name}: {line}");
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[tokio::test]
async fn no_placeholder_is_left() {
    for Answer { name, html, .. } in answers().await {
        // Those of texts, not of names from outside.
        let left = html.replace("{server} &#38; Bartizan", "").replace("/docs/{path}", "");
        assert!(!left.contains(['{', '}']), "{name}");
    }
}

#[tokio::test]
async fn a_page_has_a_language_a_title_and_one_heading() {
    let mut titles = BTreeSet::new();
    for Answer { name, html, .. } in answers().await {
        let tags = tags(&html);
        let count = |element: &str| tags.iter().filter(|tag| tag.name == element).count();
        assert_eq!((count("h1"), count("main"), count("title")), (1, 1, 1), "{name}");
        let root = tags.iter().find(|tag| tag.name == "html").unwrap();
        assert_eq!((root.get("lang"), root.get("dir")), ("en", "ltr"), "{name}");
        let viewport = tags.iter().find(|tag| tag.get("name") == "viewport").unwrap();
        assert_eq!(viewport.get("content"), "width=device-width, initial-scale=1", "{name}");
        let (_, title) = html.split_once("<title>").unwrap();
        titles.insert(title.split_once(" – ").unwrap().0.to_owned());
    }
    assert!(titles.len() > 20, "{titles:?}");
}

#[tokio::test]
async fn what_an_attribute_refers_to_is_there_once() {
    for Answer { name, html, .. } in answers().await {
        let tags = tags(&html);
        let mut ids = BTreeSet::new();
        for tag in tags.iter().filter(|tag| tag.has("id")) {
            assert!(ids.insert(tag.get("id")), "{name}: id {} twice", tag.get("id"));
        }
        let labels: BTreeSet<_> = tags.iter().map(|tag| tag.get("for")).collect();
        let described = tags.iter().flat_map(|tag| tag.get("aria-describedby").split(' '));
        for id in described.chain(labels.iter().copied()).filter(|id| !id.is_empty()) {
            assert!(ids.contains(id), "{name}: no element {id}");
        }
        let inputs = tags.iter().filter(|tag| tag.name == "input");
        for input in inputs.filter(|tag| tag.get("type") != "hidden" && !tag.has("hidden")) {
            assert!(labels.contains(input.get("id")), "{name}: {} has no label", input.get("name"));
            // An error is announced, and belongs to the field that is wrong.
            let is_wrong = input.has("aria-invalid");
            let described = input.get("aria-describedby").contains("error");
            assert_eq!(is_wrong, described, "{name}");
            assert!(!is_wrong || html.contains("role=\"alert\""), "{name}");
        }
        let focused = tags.iter().filter(|tag| tag.has("autofocus")).count();
        assert!(focused <= 1, "{name}");
    }
}

#[tokio::test]
async fn every_form_has_its_tokens_and_no_name_repeats() {
    let mut forms = 0;
    for Answer { name, html, .. } in answers().await {
        let base = if html.contains("href=\"/auth/style.css") { "/auth/" } else { "/" };
        for form in html.split("<form").skip(1) {
            forms += 1;
            let form = format!("<form{}", form.split_once("</form>").unwrap().0);
            let tags = tags(&form);
            assert_eq!(tags[0].get("method"), "post", "{name}");
            assert!(tags[0].get("action").starts_with(base), "{name}: {}", tags[0].get("action"));
            let inputs = tags.iter().filter(|tag| tag.name == "input");
            let fields: Vec<_> = inputs.map(|tag| (tag.get("name"), tag.get("value"))).collect();
            let value = |field| fields.iter().find(|(name, _)| *name == field).map(|(_, it)| *it);
            assert_eq!(value("csrf"), Some("c3Jm.1800000000.dGFn&#34;&#62;&#60;b&#62;"), "{name}");
            let request = "response_type=code&#38;client_id=c1&#38;state=a%2Bb";
            assert!([Some(request), Some("")].contains(&value("request")), "{name}");
            let names: BTreeSet<_> = fields.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), fields.len(), "{name}: {fields:?}");
        }
    }
    assert!(forms > 60, "{forms}");
}

#[tokio::test]
async fn a_page_is_not_framed_not_cached_and_loads_nothing_but_its_style() {
    for Answer { name, headers, .. } in answers().await {
        let get = |header| headers.get(header).map(|value| value.to_str().unwrap());
        assert_eq!(get("content-type"), Some("text/html; charset=utf-8"), "{name}");
        assert_eq!(get("x-frame-options"), Some("DENY"), "{name}");
        assert_eq!(get("referrer-policy"), Some("no-referrer"), "{name}");
        assert_eq!(get("cache-control"), Some("no-store"), "{name}");
        assert_eq!(get("x-content-type-options"), Some("nosniff"), "{name}");
        let picture = if name.starts_with("set-up") { " img-src data:;" } else { "" };
        let target = match name {
            "consent" | "consent-hostile" => " http://127.0.0.1:33418",
            "consent-nothing" => " cursor:",
            _ if name.starts_with("consent") => " https://claude.ai",
            _ => "",
        };
        let policy = format!(
            "default-src 'none'; style-src 'self';{picture} form-action 'self'{target}; \
             frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(get("content-security-policy"), Some(&*policy), "{name}");
        // A program's window goes on to see the page, unless the page is for the account.
        let flow = ["sign-in", "second", "consent", "onward", "error"];
        let in_flow = flow.iter().any(|it| name.starts_with(it));
        let in_flow = in_flow && !name.starts_with("sign-in-link");
        let opener = (!in_flow).then_some("same-origin");
        assert_eq!(get("cross-origin-opener-policy"), opener, "{name}");
    }
}

#[tokio::test]
async fn the_status_says_what_went_wrong() {
    let answers = answers().await;
    for (name, status, retry_after) in [
        ("sign-in", 200, None),
        ("sign-in-wrong", 200, None),
        ("sign-in-device", 429, Some("200")),
        ("sign-in-account", 503, Some("5")),
        ("second-step-many", 429, Some("30")),
        ("device-code-many", 429, Some("600")),
        ("account-many", 429, Some("90")),
        ("error-unknown-client", 400, None),
        ("error-redirect-uri", 400, None),
        ("error-request", 400, None),
        ("error-document", 400, None),
        ("error-expired", 403, None),
        ("error-cookies", 403, None),
        ("error-link", 400, None),
        ("error-provider", 502, None),
        ("error-no-account", 403, None),
        ("error-too-many", 429, Some("125")),
        ("error-unavailable", 503, Some("5")),
        ("error-not-found", 404, None),
    ] {
        let answer = answers.iter().find(|it| it.name == name).unwrap();
        assert_eq!(answer.status.as_u16(), status, "{name}");
        let retry = answer.headers.get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(retry, retry_after, "{name}");
    }
}

#[tokio::test]
async fn a_name_is_a_claim_and_only_a_domain_is_proven() {
    let local = html("consent").await;
    let claim = "<dt>Calls itself</dt><dd class=\"claim\"><bdi>Visual Studio Code</bdi>";
    assert!(local.contains(claim));
    assert!(local.contains("Not proven") && local.contains("class=\"warning\""));
    assert!(local.contains("<bdi>127.0.0.1</bdi>, a program on this computer"));
    let web = html("consent-declined").await;
    assert!(web.contains("<bdi class=\"proven\">claude.ai</bdi>"));
    assert!(!web.contains("Not proven") && !web.contains("class=\"warning\""));
    let operator = html("consent-grew").await;
    assert!(operator.contains("Registered by the operator") && !operator.contains("Not proven"));
    let unnamed = html("consent-nothing").await;
    assert!(unnamed.contains("It gives no name"));
    assert!(unnamed.contains("the app that opens <bdi>cursor</bdi> links"));
}

#[tokio::test]
async fn consent_says_what_each_scope_opens_and_what_a_role_does_not_allow() {
    let page = html("consent").await;
    let tags = tags(&page);
    let boxes: Vec<_> = tags.iter().filter(|tag| tag.get("type") == "checkbox").collect();
    let names: Vec<_> = boxes.iter().map(|tag| tag.get("name")).collect();
    assert_eq!(names, ["scope:User.Read", "scope:files.read", "scope:files.write"]);
    assert!(boxes.iter().all(|tag| tag.has("checked")));
    assert!(page.contains("<bdi class=\"offer\">delete_file</bdi>"));
    assert!(page.contains("<code><bdi>admin</bdi></code>: Your roles do not allow it."));
    assert!(page.contains("<bdi>claudeai</bdi>: This server does not have it."));
    let buttons = tags.iter().filter(|tag| tag.get("name") == "decision");
    let buttons: Vec<_> = buttons.map(|tag| tag.get("value")).collect();
    assert_eq!(buttons, ["allow", "read_only", "deny"]);
    let first = tags.iter().find(|tag| tag.name == "button").unwrap();
    assert_eq!(first.get("formmethod"), "dialog", "what the Enter key presses");
}

#[tokio::test]
async fn a_second_consent_page_says_why_it_is_there() {
    let narrowed = html("consent-narrowed").await;
    assert!(narrowed.contains("Why you see this page again"));
    assert!(narrowed.contains("You did not allow <bdi>files.write</bdi> before."));
    let boxes = tags(&narrowed).into_iter().filter(|tag| tag.get("type") == "checkbox");
    let ticked: Vec<_> = boxes.map(|tag| tag.has("checked")).collect();
    assert_eq!(ticked, [true, true, false]);
    let is_new = |scope: &str| format!("It did not ask for this before: <bdi>{scope}</bdi>.");
    assert!(narrowed.contains(&is_new("User.Read")), "what is new is said besides");
    assert!(narrowed.contains("<span class=\"new\">left out before</span>"));
    let grew = html("consent-grew").await;
    assert!(grew.contains(&is_new("files.write")));
    assert!(!grew.contains("Why you see this page again") && !grew.contains("left out before"));
    let moved = html("consent-moved").await;
    assert!(moved.contains("<h2>The program goes back to another place</h2>"));
    assert!(moved.contains("Nothing here says that it went back to <bdi>claude.ai</bdi> then."));
    assert!(!moved.contains("value=\"continue\""));
    assert!(html("consent-declined").await.contains("<h2>You declined</h2>"));
    let known = tags(&html("consent-known").await);
    let buttons = known.iter().filter(|tag| tag.get("name") == "decision");
    let buttons: Vec<_> = buttons.map(|tag| tag.get("value")).collect();
    assert_eq!(buttons, ["continue", "deny", "allow", "read_only"]);
}

#[tokio::test]
async fn sign_in_has_providers_first_and_says_when_programs_give_up() {
    let page = html("sign-in-providers").await;
    let work = page.find("action=\"/sign-in/with/work\"").unwrap();
    let password = page.find("action=\"/sign-in\"").unwrap();
    assert!(work < password);
    assert!(page.contains("Most programs stop waiting after 5 minutes."));
    let tags = tags(&page);
    let input = |id| tags.iter().find(|tag| tag.get("id") == id).unwrap();
    assert_eq!(input("user").get("autocomplete"), "username");
    assert_eq!(input("secret").get("autocomplete"), "current-password");
    assert_eq!(input("secret").get("type"), "password");
    assert!(!html("sign-in-hostile").await.contains("name=\"secret\""), "passwords are off");
    assert!(html("sign-in-nothing").await.contains("No way to sign in is set up"));
    let wrong = html("sign-in-wrong").await;
    assert!(wrong.contains("aria-invalid=\"true\" aria-describedby=\"error secret-hint\""));
    assert!(wrong.contains("value=\"alice\""));
}

#[tokio::test]
async fn an_unknown_program_is_named_with_what_to_delete() {
    let page = html("error-unknown-client").await;
    assert!(page.contains("The program that calls itself <bdi>Cursor</bdi> uses a registration"));
    assert!(page.contains("delete what the program stored for it"));
    assert!(page.contains("5f0c6d3e-9c1b-4b7f-8a5a-0f5f6a1f2b3c"));
}
