//! One page of each kind, with usual, hostile and long data.

use auth_core::{NumericDate, oauth::RedirectUri};
use axum::response::Response;
use issuer::pages::{
    AccountPage, Asker, Connection, ConsentPage, ConsentReason, Destination, DeviceCodeError,
    DeviceCodePage, DeviceConfirmPage, Done, DonePage, ErrorPage, FormTarget, Frame, Hidden, Label,
    Notice, Offer, OfferKind, Onward, OnwardPage, Page, PasswordError, PasswordState, Problem,
    Proof, Provider, ProviderProblem, ProviderProblemPage, Purpose, RecoveryCodesPage,
    ScopeAvailability, ScopeChoice, Scopes, SecondFactorState, SecondStepError, SecondStepPage,
    Session, SetUpPage, SignInError, SignInLinkPage, SignInPage, When,
};

/// A page by name, as a response.
pub(crate) type Sample = (&'static str, Response);

/// A name that tries everything.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>\u{202e}\"' onload=x \
    style=color:red --> {server} & Bartizan, the official administrator of this server";

const REQUEST: &str = "response_type=code&client_id=c1&state=a%2Bb";

/// All of them.
pub(crate) fn samples() -> Vec<Sample> {
    let mut all = sign_in();
    all.extend(consent());
    all.extend(device());
    all.extend(account());
    all.extend(second_factor());
    all.extend(errors());
    all
}

fn frame() -> Frame {
    Frame { base: String::new(), server: "mcp.example.com".into() }
}

/// Below a path, with a name that does not fit.
fn long_frame() -> Frame {
    Frame { base: "/auth".to_owned(), server: Label::host(&"long-".repeat(30)) }
}

fn form() -> Hidden {
    Hidden { csrf: "c3Jm.1800000000.dGFn\"><b>".to_owned(), request: REQUEST.to_owned() }
}

fn uri(text: &str) -> RedirectUri {
    text.parse().expect("a redirect URI")
}

fn proven() -> Asker {
    Asker {
        name: "Claude".into(),
        proof: Proof::Domain(Label::host("claude.ai")),
        destination: Destination::from(&uri("https://claude.ai/api/mcp/auth_callback")),
    }
}

fn local() -> Asker {
    Asker {
        name: "Visual Studio Code".into(),
        proof: Proof::None,
        destination: Destination::from(&uri("http://127.0.0.1:33418/")),
    }
}

fn hostile() -> Asker {
    Asker {
        name: HOSTILE.into(),
        proof: Proof::Domain(Label::host(&format!("{}.evil.example", "claude.ai.".repeat(20)))),
        destination: Destination::Scheme(Label::long(&"scheme-".repeat(30))),
    }
}

fn sign_in() -> Vec<Sample> {
    let page = SignInPage {
        frame: frame(),
        form: form(),
        purpose: Purpose::Program(local()),
        providers: Vec::new(),
        passwords: true,
        user: Label::default(),
        error: None,
    };
    let providers =
        ["Work", "GitHub"].map(|name| Provider { id: name.to_lowercase(), name: name.into() });
    let long = Provider { id: "long".to_owned(), name: HOSTILE.into() };
    let link = SignInLinkPage {
        frame: frame(),
        form: form(),
        user: "alice".into(),
        code: "K7PM-Q2XD".to_owned(),
    };
    let second = SecondStepPage {
        frame: frame(),
        form: form(),
        step: "c3RlcA.1800000000.dGFn".to_owned(),
        user: "alice".into(),
        error: None,
    };
    vec![
        ("sign-in", page.clone().response()),
        (
            "sign-in-wrong",
            SignInPage {
                user: "alice".into(),
                error: Some(SignInError::Wrong),
                purpose: Purpose::Program(proven()),
                ..page.clone()
            }
            .response(),
        ),
        (
            "sign-in-providers",
            SignInPage { providers: providers.to_vec(), ..page.clone() }.response(),
        ),
        (
            "sign-in-hostile",
            SignInPage {
                frame: long_frame(),
                purpose: Purpose::Program(hostile()),
                providers: [providers.to_vec(), vec![long]].concat(),
                passwords: false,
                error: Some(SignInError::Provider(HOSTILE.into())),
                ..page.clone()
            }
            .response(),
        ),
        (
            "sign-in-device",
            SignInPage {
                purpose: Purpose::Device,
                error: Some(SignInError::TooMany(200)),
                ..page.clone()
            }
            .response(),
        ),
        (
            "sign-in-account",
            SignInPage {
                purpose: Purpose::Account,
                error: Some(SignInError::Unavailable),
                ..page.clone()
            }
            .response(),
        ),
        (
            "sign-in-nothing",
            SignInPage { passwords: false, error: Some(SignInError::Expired), ..page }.response(),
        ),
        ("sign-in-link", link.clone().response()),
        ("sign-in-link-hostile", SignInLinkPage { user: HOSTILE.into(), ..link }.response()),
        ("second-step", second.clone().response()),
        (
            "second-step-wrong",
            SecondStepPage { error: Some(SecondStepError::Wrong), ..second.clone() }.response(),
        ),
        (
            "second-step-many",
            SecondStepPage {
                frame: long_frame(),
                user: HOSTILE.into(),
                error: Some(SecondStepError::TooMany(30)),
                ..second
            }
            .response(),
        ),
    ]
}

fn offers(kind: OfferKind, names: &[&str]) -> Vec<Offer> {
    names.iter().map(|name| Offer { kind, name: (*name).into() }).collect()
}

fn scopes() -> Scopes {
    let read = ScopeChoice {
        name: "files.read".to_owned(),
        description: "Read your files".into(),
        opens: [
            offers(OfferKind::Tool, &["list_files", "read_file", "search"]),
            offers(OfferKind::Resource, &["file:///docs/{path}"]),
        ]
        .concat(),
        is_read_only: true,
        is_new: false,
        is_left_out: false,
        availability: ScopeAvailability::Ticked,
    };
    let write = ScopeChoice {
        name: "files.write".to_owned(),
        description: "Create, change and delete your files".into(),
        opens: [
            offers(OfferKind::Tool, &["write_file", "delete_file", "move_file"]),
            offers(OfferKind::Prompt, &["tidy_up"]),
        ]
        .concat(),
        is_read_only: false,
        ..read.clone()
    };
    let time = ScopeChoice {
        name: "User.Read".to_owned(),
        description: Label::default(),
        opens: offers(OfferKind::Tool, &["get_time"]),
        ..read.clone()
    };
    let admin = ScopeChoice {
        name: "admin".to_owned(),
        description: "Manage the server".into(),
        opens: Vec::new(),
        availability: ScopeAvailability::Role,
        ..write.clone()
    };
    let unknown = ScopeChoice {
        name: "claudeai".to_owned(),
        description: Label::default(),
        availability: ScopeAvailability::Unknown,
        ..admin.clone()
    };
    Scopes(vec![time, read, write, admin, unknown])
}

/// What is new is the last one that may be allowed.
fn grown_scopes() -> Scopes {
    let mut scopes = scopes();
    if let Some(write) = scopes.0.get_mut(2) {
        write.is_new = true;
    }
    scopes
}

/// The last one that may be allowed was left out before, and the first one is new.
fn narrowed_scopes() -> Scopes {
    let mut scopes = scopes();
    if let Some(write) = scopes.0.get_mut(2) {
        write.is_left_out = true;
        write.availability = ScopeAvailability::Unticked;
    }
    if let Some(time) = scopes.0.first_mut() {
        time.is_new = true;
    }
    scopes
}

fn many_scopes() -> Scopes {
    let tools: Vec<String> = (0..40).map(|n| format!("tool_{n}_{}", "x".repeat(n))).collect();
    let tools: Vec<&str> = tools.iter().map(String::as_str).chain([HOSTILE]).collect();
    let scope = |n: usize| ScopeChoice {
        name: format!("scope-{n}-{}", "y".repeat(8 * n)),
        description: if n.is_multiple_of(2) { HOSTILE.into() } else { Label::default() },
        opens: offers(OfferKind::Tool, tools.get(..4 * n).unwrap_or_default()),
        is_read_only: n.is_multiple_of(3),
        is_new: n % 4 == 1,
        is_left_out: false,
        availability: ScopeAvailability::Ticked,
    };
    Scopes((0..10).map(scope).collect())
}

fn consent() -> Vec<Sample> {
    let target = |text| FormTarget::from(&uri(text));
    let page = ConsentPage {
        frame: frame(),
        form: form(),
        client: local(),
        user: "alice".into(),
        resource: "https://mcp.example.com/mcp".into(),
        scopes: scopes(),
        reason: ConsentReason::First,
        target: target("http://127.0.0.1:33418/"),
    };
    let web = ConsentPage {
        client: proven(),
        target: target("https://claude.ai/api/mcp/auth_callback"),
        ..page.clone()
    };
    let operator = Asker { proof: Proof::Operator, name: "Nightly report".into(), ..local() };
    let unnamed = Asker {
        name: Label::default(),
        destination: Destination::from(&uri("cursor://anysphere.cursor-mcp/oauth/callback")),
        ..local()
    };
    let onward = |to, url: &str| OnwardPage { frame: frame(), to, url: url.to_owned() };
    vec![
        ("consent", page.clone().response()),
        ("consent-known", ConsentPage { reason: ConsentReason::Known, ..web.clone() }.response()),
        (
            "consent-declined",
            ConsentPage { reason: ConsentReason::Declined, ..web.clone() }.response(),
        ),
        ("consent-moved", ConsentPage { reason: ConsentReason::Moved, ..web.clone() }.response()),
        (
            "consent-narrowed",
            ConsentPage {
                reason: ConsentReason::Narrowed,
                scopes: narrowed_scopes(),
                ..web.clone()
            }
            .response(),
        ),
        (
            "consent-grew",
            ConsentPage {
                reason: ConsentReason::Grew,
                scopes: grown_scopes(),
                client: operator,
                ..web.clone()
            }
            .response(),
        ),
        (
            "consent-nothing",
            ConsentPage {
                client: unnamed,
                scopes: Scopes::default(),
                target: target("cursor://anysphere.cursor-mcp/oauth/callback"),
                ..page.clone()
            }
            .response(),
        ),
        (
            "consent-hostile",
            ConsentPage {
                frame: long_frame(),
                client: hostile(),
                user: HOSTILE.into(),
                resource: Label::long(&format!("https://mcp.example/{}", "a".repeat(400))),
                scopes: many_scopes(),
                reason: ConsentReason::Grew,
                ..page
            }
            .response(),
        ),
        ("onward-allowed", onward(Onward::Allowed, "cursor://cb?code=a&state=\"><b>").response()),
        ("onward-denied", onward(Onward::Denied, "https://claude.ai/cb?error=x").response()),
        (
            "onward-provider",
            onward(Onward::Provider("Work".into()), "https://login.example/").response(),
        ),
    ]
}

fn device() -> Vec<Sample> {
    let code = DeviceCodePage { frame: frame(), form: form(), code: Label::default(), error: None };
    let confirm = DeviceConfirmPage {
        frame: frame(),
        form: form(),
        client: Asker { destination: Destination::Device, ..local() },
        user: "alice".into(),
        resource: "https://mcp.example.com/mcp".into(),
        code: "WDJB-MJHT".to_owned(),
        scopes: scopes(),
    };
    let done = |done| DonePage { frame: frame(), done };
    vec![
        ("device-code", code.clone().response()),
        (
            "device-code-wrong",
            DeviceCodePage {
                code: HOSTILE.into(),
                error: Some(DeviceCodeError::Unknown),
                ..code.clone()
            }
            .response(),
        ),
        (
            "device-code-many",
            DeviceCodePage { error: Some(DeviceCodeError::TooMany(600)), ..code }.response(),
        ),
        ("device-confirm", confirm.clone().response()),
        (
            "device-confirm-hostile",
            DeviceConfirmPage {
                frame: long_frame(),
                client: Asker { destination: Destination::Device, ..hostile() },
                scopes: many_scopes(),
                ..confirm
            }
            .response(),
        ),
        ("device-approved", done(Done::DeviceApproved("Visual Studio Code".into())).response()),
        ("device-approved-unnamed", done(Done::DeviceApproved(Label::default())).response()),
        ("device-denied", done(Done::DeviceDenied(HOSTILE.into())).response()),
        ("signed-out", done(Done::SignedOut).response()),
    ]
}

fn ago(seconds: i64) -> When {
    const NOW: i64 = 1_800_000_000;
    let date = |secs| NumericDate::from_secs(secs).expect("a date");
    When::new(date(NOW - seconds), date(NOW))
}

fn account() -> Vec<Sample> {
    let claude = Connection {
        id: "1".to_owned(),
        name: "Claude".into(),
        proof: Proof::Domain(Label::host("claude.ai")),
        scopes: vec!["User.Read".into(), "files.read".into()],
        granted: ago(86_400 * 12),
        last_used: Some(ago(240)),
    };
    let code = Connection {
        id: "2".to_owned(),
        name: "Visual Studio Code".into(),
        proof: Proof::None,
        last_used: None,
        granted: ago(30),
        ..claude.clone()
    };
    let odd = Connection {
        id: "3".to_owned(),
        name: HOSTILE.into(),
        proof: Proof::Operator,
        scopes: (0..30).map(|n| Label::long(&format!("scope-{}", "z".repeat(n * 3)))).collect(),
        ..code.clone()
    };
    let empty = Connection { name: Label::default(), scopes: Vec::new(), ..code.clone() };
    let this = Session {
        id: "1".to_owned(),
        browser: "Firefox on Linux".into(),
        since: ago(3_700),
        last_used: Some(ago(5)),
        is_this: true,
    };
    let other = Session {
        browser: "Safari on iPhone".into(),
        since: ago(86_400 * 3),
        last_used: Some(ago(7_200)),
        is_this: false,
        ..this.clone()
    };
    let unknown = Session { browser: Label::default(), last_used: None, ..other.clone() };
    let page = AccountPage {
        frame: frame(),
        form: Hidden { request: String::new(), ..form() },
        user: "alice".into(),
        notice: None,
        connections: vec![claude, code],
        sessions: vec![this.clone(), other],
        password: Some(PasswordState { is_set: true, asks_current: true, least: 12, error: None }),
        second_factor: Some(SecondFactorState::Off),
    };
    let with_error =
        |error| PasswordState { is_set: true, asks_current: true, least: 12, error: Some(error) };
    vec![
        ("account", page.clone().response()),
        (
            "account-ended",
            AccountPage {
                notice: Some(Notice::ConnectionEnded),
                connections: Vec::new(),
                sessions: vec![this.clone()],
                password: Some(PasswordState {
                    is_set: false,
                    asks_current: false,
                    least: 12,
                    error: None,
                }),
                second_factor: Some(SecondFactorState::On { codes_left: 7, is_required: false }),
                ..page.clone()
            }
            .response(),
        ),
        (
            "account-hostile",
            AccountPage {
                frame: long_frame(),
                user: HOSTILE.into(),
                notice: Some(Notice::WrongCode),
                connections: vec![odd, empty],
                sessions: vec![this, unknown],
                password: Some(with_error(PasswordError::Wrong)),
                second_factor: Some(SecondFactorState::On { codes_left: 0, is_required: true }),
                ..page.clone()
            }
            .response(),
        ),
        (
            "account-common",
            AccountPage { password: Some(with_error(PasswordError::Common)), ..page.clone() }
                .response(),
        ),
        (
            "account-many",
            AccountPage {
                password: Some(with_error(PasswordError::TooMany(90))),
                second_factor: None,
                ..page
            }
            .response(),
        ),
    ]
}

fn second_factor() -> Vec<Sample> {
    let set_up = SetUpPage {
        key_proof: "sealed".into(),
        frame: frame(),
        form: Hidden { request: String::new(), ..form() },
        step: "c3RlcA.1800000000.dGFn".to_owned(),
        picture: "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 21 21'\
                  %3E%3Cpath fill='%23fff' d='M0 0h21v21H0z'/%3E%3Cpath d='M0 0h7v7H0zM14 0h7v7h-7zM0 \
                  14h7v7H0zM9 2h2v2H9zM9 9h4v3H9zM15 10h3v3h-3zM10 15h2v5h-2zM15 16h5v2h-5z'/%3E%3C/svg%3E"
            .to_owned(),
        key: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_owned(),
        is_wrong: false,
    };
    let codes = ["k7pm-q2xd", "r4tn-w8vb", "h3jc-z6yf", "m9ks-p5dg", "t2xw-n7rq", "b8vf-c4jh"];
    let codes = RecoveryCodesPage {
        frame: frame(),
        user: "alice".into(),
        codes: codes.map(str::to_owned).to_vec(),
        next: "/account".into(),
    };
    vec![
        ("set-up", set_up.clone().response()),
        ("set-up-wrong", SetUpPage { is_wrong: true, frame: long_frame(), ..set_up }.response()),
        ("recovery-codes", codes.response()),
    ]
}

fn errors() -> Vec<Sample> {
    let name = || Label::name("Cursor");
    let id = || Label::long("5f0c6d3e-9c1b-4b7f-8a5a-0f5f6a1f2b3c");
    let provider = || Label::name("Work");
    let all = [
        (
            "error-unknown-client",
            Problem::UnknownClient {
                name: name(),
                client_id: id(),
                destination: Some(Destination::Scheme(Label::long("cursor"))),
            },
        ),
        (
            "error-unknown-client-hostile",
            Problem::UnknownClient {
                name: HOSTILE.into(),
                client_id: Label::long(HOSTILE),
                destination: Some(Destination::Website(Label::host(HOSTILE))),
            },
        ),
        (
            "error-redirect-uri",
            Problem::RedirectUri {
                name: Label::default(),
                uri: Label::long(&format!("https://evil.example/{}", "a".repeat(500))),
            },
        ),
        (
            "error-request",
            Problem::Request {
                name: name(),
                message: Label::long("code_challenge is missing: PKCE with S256 is required"),
            },
        ),
        (
            "error-document",
            Problem::Document {
                host: Label::host("claude.ai"),
                client_id: Label::long("https://claude.ai/oauth/claude-code.json"),
                message: Label::long("the document is longer than 5120 bytes"),
            },
        ),
        ("error-expired", Problem::Expired),
        ("error-cookies", Problem::Cookies),
        ("error-link", Problem::Link),
        (
            "error-provider",
            Problem::Provider { provider: provider(), message: Label::long("access_denied") },
        ),
        ("error-no-account", Problem::NoAccount { provider: provider() }),
        ("error-too-many", Problem::TooMany(125)),
        ("error-unavailable", Problem::Unavailable),
        ("error-not-found", Problem::NotFound),
    ];
    let pages = all.map(|(name, problem)| (name, ErrorPage { frame: frame(), problem }.response()));
    let refused = ProviderProblemPage {
        frame: frame(),
        provider: provider(),
        problem: ProviderProblem::NoAccount,
        user: Some(Label::long("work|9f2c4b7e")),
        back: Some("/authorize?client_id=c1".to_owned()),
    };
    let hostile = ProviderProblemPage {
        frame: long_frame(),
        provider: HOSTILE.into(),
        problem: ProviderProblem::Unavailable,
        user: Some(Label::long(HOSTILE)),
        back: None,
    };
    let own =
        [("error-refused", refused.response()), ("error-refused-hostile", hostile.response())];
    pages.into_iter().chain(own).collect()
}
