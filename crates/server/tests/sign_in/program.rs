//! The server as a program: in a folder of its own, with a cleared environment, on a free port.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
};

use http::{HeaderMap, Method, StatusCode, header};
use serde_json::Value;
use tempfile::TempDir;

/// A running server. It ends when it is dropped.
pub(crate) struct Program {
    /// `http://localhost:PORT`: its issuer.
    pub(crate) origin: String,
    path: &'static str,
    port: u16,
    folder: TempDir,
    settings: Vec<(String, String)>,
    child: Child,
    http: reqwest::Client,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A request.
pub(crate) struct Ask {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Program {
    /// A new one, with the users that `server init` adds, alice among them, and with no settings
    /// but its address.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// A new one with more settings.
    pub(crate) fn start_with(more: &[(&str, &str)]) -> Self {
        Self::start_at("/mcp", more)
    }

    /// A new one whose MCP endpoint is at a path of its origin.
    pub(crate) fn start_at(path: &'static str, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = testkit::free_port().unwrap();
        let origin = format!("http://localhost:{port}");
        let mut settings = vec![
            ("JWT_ISSUER".to_owned(), origin.clone()),
            ("MCP_RESOURCE".to_owned(), format!("{origin}{path}")),
        ];
        settings.extend(more.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        run(&folder, &settings, &["init"]);

        let child = spawn(&folder, &settings, port);
        let http = connections(port);
        Self { origin, path, port, folder, settings, child, http }
    }

    /// Kills it, and starts it again over the same files.
    pub(crate) fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.folder, &self.settings, self.port);
        self.http = connections(self.port);
    }

    /// What one of its commands prints, given that it succeeds.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        run(&self.folder, &self.settings, args)
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// The log, once this is in it: it is written a moment after the answer.
    pub(crate) fn log_with(&self, text: &str) -> String {
        for _ in 0..100 {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{text:?} is not in {}", self.log());
    }

    /// A new one-time sign-in code for alice.
    pub(crate) fn code(&self) -> String {
        let printed = self.run(&["users", "code", "alice", "--output", "json"]);
        let printed: Value = serde_json::from_str(&printed).unwrap();
        printed["code"].as_str().unwrap().to_owned()
    }

    /// Its MCP endpoint.
    pub(crate) fn resource(&self) -> String {
        format!("{}{}", self.origin, self.path)
    }

    /// Sends a request and follows no redirect.
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let Ask { method, path, headers, body } = ask;
        let request = self.http.request(method, format!("{}{path}", self.origin)).body(body);
        let request =
            headers.into_iter().fold(request, |request, (name, value)| request.header(name, value));
        let response = request.send().await.unwrap();
        Answer {
            status: response.status(),
            headers: response.headers().clone(),
            body: response.text().await.unwrap(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: String::new() }
    }

    /// A POST of a form, with its fields in this order.
    pub(crate) fn form<K: AsRef<str>, V: AsRef<str>>(
        path: impl Into<String>,
        fields: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let mut ask = Self::new(Method::POST, path)
            .header(header::CONTENT_TYPE.as_str(), "application/x-www-form-urlencoded");
        ask.body = encoded(fields);
        ask
    }

    /// A POST of a JSON document.
    pub(crate) fn json(path: impl Into<String>, body: &Value) -> Self {
        let mut ask =
            Self::new(Method::POST, path).header(header::CONTENT_TYPE.as_str(), "application/json");
        ask.body = body.to_string();
        ask
    }

    /// With a header, in place of another of that name.
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

impl Answer {
    /// The header, if it is there once.
    pub(crate) fn header(&self, name: &header::HeaderName) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().unwrap();
        assert!(values.next().is_none(), "{name} is there twice");
        Some(value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts an error of the token endpoint and its like: the status, the code, and a text that
    /// is fit to be shown.
    #[track_caller]
    pub(crate) fn assert_error(&self, status: u16, error: &str) {
        assert_eq!(self.status, status, "{self:?}");
        let body = self.json();
        assert_eq!(body["error"], error, "{self:?}");
        assert_text(body["error_description"].as_str().unwrap_or_default());
        assert_eq!(self.header(&header::CACHE_CONTROL), Some("no-store"), "{self:?}");
    }
}

/// Asserts that an `error_description` is short ASCII without quotes, `<` or control characters.
#[track_caller]
pub(crate) fn assert_text(text: &str) {
    assert!((1..=200).contains(&text.len()), "{text:?}");
    let good = |it: u8| (b' '..=b'~').contains(&it) && !b"\"\\<".contains(&it);
    assert!(text.bytes().all(good), "{text:?}");
}

/// `application/x-www-form-urlencoded`.
pub(crate) fn encoded<K: AsRef<str>, V: AsRef<str>>(
    fields: impl IntoIterator<Item = (K, V)>,
) -> String {
    let mut url = reqwest::Url::parse("http://localhost/").unwrap();
    url.query_pairs_mut().extend_pairs(fields);
    url.query().unwrap_or_default().to_owned()
}

/// The first value of a parameter of a URL's query.
pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn command(folder: &TempDir, settings: &[(String, String)], args: &[&str]) -> Command {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_server")));
    command.args(args).current_dir(folder).env_clear().envs(settings.iter().cloned());
    command
}

/// Connections to the server, and to nothing else.
fn connections(port: u16) -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .resolve("localhost", SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .build()
        .unwrap()
}

/// Starts the server, and waits until it says that it serves.
fn spawn(folder: &TempDir, settings: &[(String, String)], port: u16) -> Child {
    let path = folder.path().join("log");
    let log = File::options().create(true).append(true).open(&path).unwrap();
    let mut child = command(folder, settings, &["--bind", &format!("127.0.0.1:{port}")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    // What else it prints must not fill the pipe.
    thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    let log = std::fs::read_to_string(path).unwrap();
    assert!(line.starts_with("MCP server on "), "{line} {log}");
    child
}

fn run(folder: &TempDir, settings: &[(String, String)], args: &[&str]) -> String {
    let output = command(folder, settings, args).output().unwrap();
    let (out, err) = (output.stdout, output.stderr);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&err));
    String::from_utf8(out).unwrap()
}
