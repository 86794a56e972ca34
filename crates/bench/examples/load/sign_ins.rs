//! Wrong passwords from many addresses, beside calls.
//!
//! Phases without and with the attempts alternate, so other load on the machine affects both.
//! Printed are both times of the calls and their ratio; judged are the answers alone.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, sleep, timeout},
};

use crate::{callers::call_of, server::Server, wire::Connection};

/// Attempts in a second.
const RATE: u32 = 200;
/// Where they come from: so many addresses that none of them has failed too often at the end.
const ADDRESSES: u32 = 64;
/// Callers, and how long each waits after an answer.
const CALLERS: usize = 4;
const PAUSE: Duration = Duration::from_millis(4);
/// How long a phase is, and how many there are of each kind.
const LENGTH: Duration = Duration::from_secs(2);
const PHASES: usize = 2;
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long each call took, or what was wrong.
type Times = Result<Vec<Duration>, String>;
/// How often each status came, or what was wrong.
type Tried = Result<(Form, BTreeMap<u16, usize>), String>;

/// What does not hold while passwords are tried.
pub(crate) async fn faults(program: &Path) -> Vec<String> {
    let (server, tokens) = Server::start_with_sign_in(program);
    let call: &'static [u8] = call_of("get_time", &tokens.valid).leak();
    let mut faults = Vec::new();
    let (mut alone, mut beside, mut statuses) = (Vec::new(), Vec::new(), BTreeMap::new());
    let mut forms = Vec::new();
    for number in 0..ADDRESSES {
        match Form::fetch(server.address, number).await {
            Some(form) => forms.push(form),
            None => return vec![format!("address {number} got no form for signing in")],
        }
    }
    // What is started once is started before it is measured.
    note(calls(server.address, call).await, &mut Vec::new(), &mut faults);
    for _ in 0..PHASES {
        note(calls(server.address, call).await, &mut alone, &mut faults);
        let attempts = attempts(&mut forms, &mut statuses);
        let (times, attempts) = tokio::join!(calls(server.address, call), attempts);
        note(times, &mut beside, &mut faults);
        faults.extend(attempts);
    }
    let (alone, beside) = (p99(alone), p99(beside));
    println!(
        "{RATE} wrong passwords a second, answered {statuses:?}: the p99 of calls is {:.1} ms, {:.1} ms without, ratio {:.2}",
        beside.as_secs_f64() * 1e3,
        alone.as_secs_f64() * 1e3,
        beside.as_secs_f64() / alone.as_secs_f64(),
    );
    // The page again, too many, or busy. Those that were judged are among them.
    let unexpected = statuses.keys().any(|status| ![200, 429, 503].contains(status));
    if unexpected || !statuses.contains_key(&200) {
        faults.push(format!("wrong passwords were answered {statuses:?}"));
    }
    match server.terminate().0 {
        Some(0) => {}
        code => faults.push(format!("after the passwords the server ended with {code:?}")),
    }
    faults
}

fn note(times: Times, into: &mut Vec<Duration>, faults: &mut Vec<String>) {
    match times {
        Ok(times) => into.extend(times),
        Err(fault) => faults.push(fault),
    }
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() * 99 / 100).copied().unwrap_or_default()
}

/// The times of calls, for one phase.
async fn calls(address: SocketAddr, call: &'static [u8]) -> Times {
    let end = Instant::now() + LENGTH;
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(async move {
            let mut connection = Connection::open(address).await.unwrap();
            let mut times = Vec::new();
            while Instant::now() < end {
                let begun = Instant::now();
                connection.send(call).await.map_err(|error| format!("a call: {error}"))?;
                match timeout(PATIENCE, connection.answer()).await {
                    Ok(Some(answer)) if answer.status == 200 => times.push(begun.elapsed()),
                    other => {
                        let status = other.map(|answer| answer.map(|answer| answer.status));
                        return Err(format!("a call beside sign-ins: {status:?}"));
                    }
                }
                sleep(PAUSE).await;
            }
            Ok(times)
        });
    }
    let mut all = Vec::new();
    for times in callers.join_all().await {
        all.extend(times?);
    }
    Ok(all)
}

/// Attempts of all addresses in turns, for one phase; what was wrong.
async fn attempts(forms: &mut Vec<Form>, statuses: &mut BTreeMap<u16, usize>) -> Vec<String> {
    let begun = Instant::now();
    let mut attempts = JoinSet::new();
    for (form, number) in forms.drain(..).zip(0..) {
        attempts.spawn(form.try_for(begun, number));
    }
    let mut faults = Vec::new();
    for tried in attempts.join_all().await {
        match tried {
            Ok((form, counts)) => {
                forms.push(form);
                for (status, count) in counts {
                    *statuses.entry(status).or_default() += count;
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    faults
}

/// The form for signing in, as one address has it.
struct Form {
    connection: Connection,
    request: Vec<u8>,
}

impl Form {
    /// Loads the page from the address of this `number`; `None` if there is no form in it.
    async fn fetch(server: SocketAddr, number: u32) -> Option<Self> {
        let from = Ipv4Addr::from_bits(Ipv4Addr::new(127, 0, 1, 0).to_bits() + number);
        let mut connection = Connection::open_from(from.into(), server).await.ok()?;
        connection.send(b"GET /account HTTP/1.1\r\nhost: localhost:8000\r\n\r\n").await.ok()?;
        let page = timeout(PATIENCE, connection.page()).await.ok()??;
        let cookie = page.split("set-cookie: ").nth(1)?.split(';').next()?;
        let csrf = page.split(r#"name="csrf" value=""#).nth(1)?.split('"').next()?;
        let request = page.split(r#"name="request" value=""#).nth(1)?.split('"').next()?;
        let body = format!("csrf={csrf}&request={request}&user=u{number}&secret=wrong-{number}");
        let request = format!(
            "POST /sign-in HTTP/1.1\r\nhost: localhost:8000\r\norigin: http://localhost:8000\r\n\
             cookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        Some(Self { connection, request: request.into_bytes() })
    }

    /// Tries a password again and again, each address in its turn.
    async fn try_for(mut self, begun: Instant, number: u32) -> Tried {
        let turn = Duration::from_secs(1) / RATE;
        let mut ticks = interval_at(begun + turn * number, turn * ADDRESSES);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut counts = BTreeMap::new();
        while ticks.tick().await < begun + LENGTH {
            let sent = self.connection.send(&self.request).await;
            sent.map_err(|error| format!("a password: {error}"))?;
            match timeout(PATIENCE, self.connection.answer()).await {
                Ok(Some(answer)) => *counts.entry(answer.status).or_default() += 1,
                _ => return Err("a password was not answered".to_owned()),
            }
        }
        Ok((self, counts))
    }
}
