//! One user without scopes who sends the longest body on every connection that the server has.

use std::{path::Path, process::Stdio, time::Duration};

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    callers::{ask, call_of},
    cast::Class,
    server::Server,
    wire::Connection,
};

/// As many connections as the server keeps by default.
const CONNECTIONS: usize = 1024;
/// How long each caller withholds the last bytes of its body.
const LENGTH: Duration = Duration::from_secs(10);
/// How much is sent at once.
const CHUNK: usize = 64 * 1024;
/// The most memory that the server may have resident, in KiB.
const MOST: u64 = 300 * 1024;

/// What one caller got.
#[derive(PartialEq, Eq)]
enum Outcome {
    /// The body was refused.
    Answered(u16),
    /// The server took the body and waited for the rest.
    Held,
    /// The connection was closed, or not accepted in time.
    Closed,
}

/// What does not hold while one user fills every connection.
pub(crate) async fn faults(program: &Path) -> Vec<String> {
    raise_descriptors();
    let (server, tokens) = Server::start_with_log(program, Stdio::null());
    let mut request = Class::LongAllowed.request(&tokens);
    request.truncate(request.len() - 16);
    let request: &'static [u8] = request.leak();

    let until = Instant::now() + LENGTH;
    let mut callers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let address = server.address;
        callers.spawn(async move {
            let Ok(Ok(mut open)) = timeout_at(until, Connection::open(address)).await else {
                return Outcome::Closed;
            };
            for chunk in request.chunks(CHUNK) {
                match timeout_at(until, open.send(chunk)).await {
                    Err(_) => return Outcome::Held,
                    Ok(Err(_)) => break,
                    Ok(Ok(())) => {}
                }
            }
            match timeout_at(until, open.answer()).await {
                Err(_) => Outcome::Held,
                Ok(Some(answer)) => Outcome::Answered(answer.status),
                Ok(None) => Outcome::Closed,
            }
        });
    }
    let mut most = 0;
    while Instant::now() < until {
        most = most.max(server.resident());
        sleep(Duration::from_millis(50)).await;
    }
    let outcomes = callers.join_all().await;
    let count = |wanted: Outcome| outcomes.iter().filter(|it| **it == wanted).count();
    let (held, refused, closed) =
        (count(Outcome::Held), count(Outcome::Answered(503)), count(Outcome::Closed));
    println!(
        "{CONNECTIONS} bodies of one user: {held} held, {refused} refused, {closed} closed; at most {} MiB resident",
        most / 1024
    );
    let mut faults = Vec::new();
    if most > MOST {
        faults.push(format!("bodies of one user took {} MiB", most / 1024));
    }
    if held == 0 || refused == 0 || held + refused + closed != CONNECTIONS {
        faults.push(format!("of {CONNECTIONS} bodies {held} were held and {refused} refused"));
    }
    let after = ask(server.address, &call_of("get_time", &tokens.valid)).await;
    if after.as_ref().is_none_or(|answer| answer.status != 200) {
        faults.push(format!("after them a call got {:?}", after.map(|answer| answer.status)));
    }
    match server.terminate().0 {
        Some(0) => {}
        code => faults.push(format!("after them the server ended with {code:?}")),
    }
    faults
}

/// Both sides of every connection are descriptors of this process and of the server, which inherits
/// the limit.
fn raise_descriptors() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
