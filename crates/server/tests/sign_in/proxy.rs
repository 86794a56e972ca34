//! The program behind a reverse proxy: who fails to sign in too often, and who does not.

use http::header;

use crate::{
    browser::Browser,
    html::forms,
    program::{Ask, Program},
};

/// A browser with the fields of the sign-in form.
struct Guesser {
    browser: Browser,
    fields: Vec<(String, String)>,
}

impl Guesser {
    async fn new(program: &Program) -> Self {
        let mut browser = Browser::new();
        let page = browser.send(program, Ask::get("/sign-in")).await;
        let form = forms(&page.body).into_iter().find(|form| form.field("secret").is_some());
        let fields = form.unwrap().fields.into_iter().filter(|it| !it.is_button());
        let fields = fields.map(|it| match it.name.as_str() {
            "user" => (it.name, "alice".to_owned()),
            "secret" => (it.name, "WDJB-MJHT-BCDF".to_owned()),
            _ => (it.name, it.value),
        });
        Self { browser, fields: fields.collect() }
    }

    /// A wrong code, with this header; the status.
    async fn guess(&mut self, program: &Program, name: &str, value: &str) -> u16 {
        let ask = Ask::form("/sign-in", self.fields.iter().cloned());
        let ask = ask.header(header::ORIGIN.as_str(), program.origin.clone()).header(name, value);
        self.browser.send(program, ask).await.status.as_u16()
    }
}

#[tokio::test]
async fn failed_sign_ins_are_counted_by_client_of_a_trusted_proxy() {
    let program = Program::start_with(&[("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")]);
    let mut guesser = Guesser::new(&program).await;
    for n in 0..30 {
        let from = ["192.0.2.1", "203.0.113.9, 192.0.2.1:4711, 10.0.0.7"][n % 2];
        assert_eq!(guesser.guess(&program, "x-forwarded-for", from).await, 200, "{n}");
    }
    assert_eq!(guesser.guess(&program, "forwarded", "for=192.0.2.1;proto=https").await, 429);
    assert_eq!(guesser.guess(&program, "x-forwarded-for", "192.0.2.2").await, 200);
    // The proxy that names no address is counted itself, and logged once.
    for _ in 0..2 {
        assert_eq!(guesser.guess(&program, "forwarded", "for=unknown").await, 200);
    }
    let log = program.log_with("address=127.0.0.1");
    assert!(log.contains("address=192.0.2.1"), "{log}");
    assert_eq!(log.matches("the proxy names no address").count(), 1, "{log}");
}

#[tokio::test]
async fn without_a_trusted_proxy_the_headers_are_ignored() {
    let program = Program::start();
    let mut guesser = Guesser::new(&program).await;
    for n in 0..30 {
        let from = format!("192.0.2.{n}");
        assert_eq!(guesser.guess(&program, "x-forwarded-for", &from).await, 200, "{n}");
    }
    assert_eq!(guesser.guess(&program, "forwarded", "for=192.0.2.99").await, 429);
    let log = program.log_with("name it in TRUSTED_PROXIES");
    assert!(!log.contains("192.0.2."), "{log}");
    // On this machine it may be a proxy that the operator has forgotten.
    assert_eq!(log.matches("name it in TRUSTED_PROXIES").count(), 1, "{log}");
}
