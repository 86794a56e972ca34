//! Tools that panic, beside tools that do not.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::task::JoinSet;

use crate::{callers::call_of, wire::Connection};

/// Callers of each kind.
const CALLERS: usize = 20;
const LENGTH: Duration = Duration::from_secs(5);

/// A process that is ended when this is dropped.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What does not hold while half of the callers call a tool that panics.
pub(crate) async fn faults(program: &Path) -> Vec<String> {
    let mut command = Command::new(program);
    command.args(["tools", "--tools", "1"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut peer = Peer(command.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(peer.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let facts: Value = serde_json::from_str(&line).unwrap();
    let address = facts.pointer("/address").and_then(Value::as_str).unwrap().parse().unwrap();
    let token = facts.pointer("/valid/0").and_then(Value::as_str).unwrap().to_owned();

    let begun = Instant::now();
    let mut callers = JoinSet::new();
    for (tool, says) in [("panic", "\"code\":-32603"), ("get_time", "\"result\"")] {
        for _ in 0..CALLERS {
            let call = call_of(tool, &token);
            callers.spawn(async move {
                let mut connection = Connection::open(address).await.unwrap();
                let (mut count, mut slowest) = (0_usize, Duration::ZERO);
                while begun.elapsed() < LENGTH {
                    let asked = Instant::now();
                    connection.send(&call).await.map_err(|it| format!("{tool}: {it}"))?;
                    let answer = connection.answer().await;
                    match answer {
                        Some(answer) if answer.text.contains(says) => count += 1,
                        other => return Err(format!("{tool}: {:?}", other.map(|it| it.text))),
                    }
                    slowest = slowest.max(asked.elapsed());
                }
                Ok((tool, count, slowest))
            });
        }
    }
    let mut faults = Vec::new();
    let mut sums = std::collections::BTreeMap::<_, (usize, Duration)>::new();
    for done in callers.join_all().await {
        match done {
            Ok((tool, count, slowest)) => {
                let sum = sums.entry(tool).or_default();
                *sum = (sum.0 + count, sum.1.max(slowest));
            }
            Err(fault) => faults.push(fault),
        }
    }
    for (tool, (count, slowest)) in sums {
        println!("{tool}: {count} calls answered, the slowest after {} ms", slowest.as_millis());
        if count == 0 {
            faults.push(format!("no call of {tool} was answered"));
        }
    }
    if peer.0.try_wait().unwrap().is_some() {
        faults.push("a panic ended the server".into());
    }
    faults
}
