//! A log that nobody reads.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::time::timeout;

use crate::{
    callers::{ask, call_of},
    server::Server,
    wire::Connection,
};

/// More calls than whose lines the log and the pipe have room for.
const CALLS: usize = 50_000;

/// What does not hold while the server's standard error is a pipe that is full.
pub(crate) async fn faults(program: &Path) -> Vec<String> {
    let (server, tokens) = Server::start_with_log(program, Stdio::piped());
    let mut faults = Vec::new();
    let call = call_of("get_time", &tokens.valid);
    let mut connection = Connection::open(server.address).await.unwrap();
    let (mut answered, mut refused) = (0, false);
    for _ in 0..CALLS {
        let _ = connection.send(&call).await;
        match timeout(Duration::from_secs(15), connection.answer()).await {
            Ok(Some(answer)) if answer.status == 200 => answered += 1,
            Ok(Some(answer)) if answer.status == 503 => {
                refused = true;
                break;
            }
            other => {
                let status = other.map(|answer| answer.map(|answer| answer.status));
                faults.push(format!("a call with nobody reading the log: {status:?}"));
                break;
            }
        }
    }
    if !refused {
        faults.push(format!("{answered} calls were served though nobody reads the log"));
    }
    for (path, status, text) in [("/healthz", 200, "ok"), ("/readyz", 503, "log")] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let answer = ask(server.address, request.as_bytes()).await;
        if !answer.as_ref().is_some_and(|it| it.status == status && it.text.contains(text)) {
            faults.push(format!("{path}: {:?}", answer.map(|answer| answer.text)));
        }
    }
    println!("a log that nobody reads: {answered} calls were served, the next one was refused");
    match server.terminate().0 {
        Some(0) => {}
        code => faults.push(format!("with a full log the server ended with {code:?}")),
    }
    faults
}
