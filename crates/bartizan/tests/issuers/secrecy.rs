//! Neither our secret nor a token is written down on the way to an issuer.

use std::{
    fmt::Write as _,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use serde_json::json;
use testkit::{Reply, TestIssuer};
use tracing::Level;

use crate::support::{asking, clock, entry, issuers};
use bartizan::Trust;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log is this thread's own, and so is the runtime.
#[tokio::test]
async fn neither_secret_nor_token_is_written_down() {
    let log = Captured::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    let (issuer, clock) = (TestIssuer::start().await, clock());
    let asking = asking(&clock, &issuer);
    let mut shown = format!("{asking:?}");
    let issuers = issuers(&clock, [Trust::new(entry(&issuer.issuer())).introspection(asking)]);
    for (number, reply) in [
        Reply::json(&json!({ "active": true })),
        Reply::json(&json!({ "active": false })),
        Reply::text("garbage").status(500),
        Reply::text("garbage"),
        Reply::json(&json!({ "error": "invalid_client" })).status(401),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.serve("/introspect", reply);
        let text = format!("t0ken-number-{number}");
        let fault = issuers.verify(&text.parse().unwrap()).await.unwrap_err();
        write!(shown, "{fault} {fault:?} {issuers:?}").unwrap();
    }
    assert_eq!(issuer.asked().len(), 5);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("An issuer cannot be asked about a token"), "{log}");
    assert_eq!(log.matches("are client_id and secret those of").count(), 1, "{log}");
    for text in [log, shown] {
        for secret in ["s3cret", "czNjcmV0", "zM2NyZXQ", "t0ken-number"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
    }
}
