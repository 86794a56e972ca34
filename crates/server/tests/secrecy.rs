//! Tokens, secrets and the `Authorization` header appear nowhere: not in the log at its most
//! talkative, not in answers, not in errors, not in `Debug`. In success and in failure.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must stop"
)]

#[path = "http/harness.rs"]
#[expect(dead_code, reason = "shared with the other suite, which uses more of it")]
mod harness;

use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::{Arc, Mutex, MutexGuard},
};

use auth_core::Algorithm;
use harness::{TestServer, call, send};
use http::header;
use server::BUILT_IN;
use testkit::{TestKey, token_faults};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

struct Writer<'a>(MutexGuard<'a, Vec<u8>>);

impl Write for Writer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Writer<'a>;

    fn make_writer(&'a self) -> Writer<'a> {
        Writer(self.0.lock().unwrap())
    }
}

/// One test, because the log is one to a process.
#[tokio::test]
async fn nothing_that_is_secret_is_ever_written_down() {
    let log = Captured::default();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();

    let mut sent = Vec::new();
    let mut answers = String::new();
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let server = TestServer::start_with(key, BUILT_IN).await;
        let good = server.token("admin", "Admin.Write");
        let poor = server.token("admin", "User.Read");
        let stranger = server.token("nobody", "Admin.Write");
        let mut requests = vec![
            server.post(call("get_time")).bearer_auth(&good),
            server.post(call("get_time")).bearer_auth(&poor),
            server.post(call("get_time")).bearer_auth(&stranger),
            server.post("nonsense").bearer_auth(&good),
            server.post(call("get_time")).bearer_auth(&good).header("mcp-name", "x"),
            server.post(call("get_time")).bearer_auth(&good).header(header::HOST, "evil.example"),
            server.post(call("get_time")).bearer_auth(&good).bearer_auth(&good),
            server.post(call("get_time")).header(header::AUTHORIZATION, format!("Basic {good}")),
            server.http().post(format!("{}?access_token={good}", server.url())),
            server.http().get(server.url()).bearer_auth(&good),
        ];
        sent.extend([good, poor, stranger]);
        let numbered = server.sign(&server.forge().claim("sub", 4021));
        requests.push(server.post(call("get_time")).bearer_auth(&numbered));
        sent.push(numbered);
        for fault in token_faults(key) {
            let Ok(value) = header::HeaderValue::from_str(&format!("Bearer {}", fault.token))
            else {
                continue;
            };
            requests.push(server.post(call("get_time")).header(header::AUTHORIZATION, value));
            sent.push(fault.token);
        }
        for request in requests {
            let answer = send(request).await;
            writeln!(answers, "{:?}\n{}", answer.headers, answer.body).unwrap();
        }
        let (signing, verifying) = (key.signing(), key.verifying());
        writeln!(answers, "{signing:?} {verifying:?} {:?}", verifying.to_jwk()).unwrap();
    }

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for line in [
        "Valid token, proceeding...",
        "User exists, proceeding...",
        "User has required scope, proceeding...",
        "-> Missing required scope!",
        "-> Missing Authorization header!",
        "-> Invalid token!",
        "-> User does not exist!",
        // What was found and what should have been.
        "found=\"4021\" expected=\"a name of 1 to 255 bytes\" reason=sub is not a string",
        "issuer=\"http://localhost:8000\" found=\"https://other.example/mcp\" expected=\"http://localhost:8000/mcp\" reason=aud does not name this resource",
        "remedy=\"bartizan-server users add --issuer http://localhost:8000 --name='User Userson' --role ROLE nobody\"",
    ] {
        assert!(log.contains(line), "the log was captured, and {line} is in it");
    }
    let secret = TestKey::shared(Algorithm::Hs256).secret().unwrap();
    let secret = String::from_utf8_lossy(secret).into_owned();
    for (place, text) in [("the log", &log), ("an answer", &answers)] {
        assert!(!text.contains(&secret), "the secret is in {place}");
        assert!(!text.to_lowercase().contains("bearer ey"), "an Authorization header in {place}");
        for token in &sent {
            // Any part that is long enough to be of use: signatures and claims.
            for part in token.split('.').filter(|part| part.len() >= 24) {
                assert!(!text.contains(part), "a part of a token is in {place}: {part}");
            }
        }
    }
}
