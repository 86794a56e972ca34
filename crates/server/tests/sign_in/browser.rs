//! A browser without a window, and the person in front of it.

use std::collections::BTreeMap;

use http::header;
use reqwest::Url;

use crate::{
    html::{Form, forms, onward},
    program::{Answer, Ask, Program, encoded},
};

/// Sign-in with its second step, consent and the redirects between are fewer.
const MAX_PAGES: usize = 12;

/// A browser in which alice signs in.
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
    /// Whether she allows what is asked.
    pub(crate) allows: bool,
    /// The pages that she was shown: what each said.
    pub(crate) pages: Vec<String>,
    /// How often she typed a code in to sign in.
    pub(crate) sign_ins: usize,
}

/// Where a visit ended.
#[derive(Debug)]
pub(crate) enum End {
    /// At an address that is not the server's.
    Sent(String),
    /// At a page with nothing more to do.
    Page(Answer),
}

impl End {
    /// The address that the browser was sent to.
    #[track_caller]
    pub(crate) fn sent(self) -> String {
        match self {
            Self::Sent(to) => to,
            Self::Page(page) => panic!("no redirect: {page:?}"),
        }
    }

    /// The page that it ended at.
    #[track_caller]
    pub(crate) fn page(self) -> Answer {
        match self {
            Self::Page(page) => page,
            Self::Sent(to) => panic!("sent to {to}"),
        }
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        let (cookies, pages) = (BTreeMap::new(), Vec::new());
        Self { cookies, allows: true, pages, sign_ins: 0 }
    }

    /// Opens a path of the server, and does what its pages ask.
    pub(crate) async fn open(&mut self, program: &Program, path: &str) -> End {
        let base = Url::parse(&program.origin).unwrap();
        let mut at = base.join(path).unwrap();
        let mut answer = self.send(program, Ask::get(relative(&at))).await;
        for _ in 0..MAX_PAGES {
            if answer.status.is_redirection() {
                let location = answer.header(&header::LOCATION).unwrap().to_owned();
                let next = at.join(&location).unwrap();
                if next.origin() != base.origin() {
                    return End::Sent(location);
                }
                at = next;
                answer = self.send(program, Ask::get(relative(&at))).await;
                continue;
            }
            self.pages.push(answer.body.clone());
            if let Some(next) = onward(&answer.body) {
                let url = at.join(&next).unwrap();
                if url.origin() != base.origin() {
                    return End::Sent(next);
                }
                at = url;
                answer = self.send(program, Ask::get(relative(&at))).await;
                continue;
            }
            let next = forms(&answer.body).into_iter().find_map(|form| {
                let filled = self.filled(program, &form)?;
                Some((form.action, filled))
            });
            let Some((action, fields)) = next else { return End::Page(answer) };
            at = at.join(&action).unwrap();
            let ask = Ask::form(relative(&at), fields).header("Origin", program.origin.clone());
            answer = self.send(program, ask).await;
        }
        panic!("not done after {MAX_PAGES} pages: {answer:?}");
    }

    /// One request with the cookies of the browser.
    pub(crate) async fn send(&mut self, program: &Program, ask: Ask) -> Answer {
        let mut ask = ask.header("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        if !self.cookies.is_empty() {
            let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
            ask = ask.header("Cookie", cookies.collect::<Vec<_>>().join("; "));
        }
        let answer = program.send(ask).await;
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// What a form is submitted with, if it is one that a person fills in here.
    fn filled(&mut self, program: &Program, form: &Form) -> Option<Vec<(String, String)>> {
        if form.method != "post" {
            return None;
        }
        // A page that asks about what is known already has a button to go on with that.
        let choices: &[&str] = if self.allows { &["continue", "allow"] } else { &["deny"] };
        let decision = choices.iter().find(|choice| form.button("decision", choice));
        let signs_in = form.field("secret").is_some();
        if decision.is_none() && !signs_in && form.field("user_code").is_none() {
            return None;
        }
        let mut fields = Vec::new();
        assert!(!signs_in || self.sign_ins == 0, "refused: {:?}", self.pages.last());
        for field in form.fields.iter().filter(|it| !it.name.is_empty() && !it.is_button()) {
            let value = match (field.kind.as_str(), field.name.as_str()) {
                ("checkbox", _) if !field.checked => continue,
                (_, "user") => "alice".to_owned(),
                (_, "secret") => program.code(),
                _ => field.value.clone(),
            };
            fields.push((field.name.clone(), value));
        }
        self.sign_ins += usize::from(signs_in);
        fields.extend(decision.map(|it| ("decision".to_owned(), (*it).to_owned())));
        Some(fields)
    }
}

/// The path of an authorization request.
pub(crate) fn authorize<K: AsRef<str>, V: AsRef<str>>(
    parameters: impl IntoIterator<Item = (K, V)>,
) -> String {
    format!("/authorize?{}", encoded(parameters))
}

fn relative(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
