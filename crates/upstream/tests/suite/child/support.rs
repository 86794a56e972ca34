//! A server that misbehaves, and what is known of its processes.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use rustix::process::{Pid, test_kill_process};
use upstream::{
    child::{ChildConfig, Environment},
    link::{ClosedError, Incoming, Link, Outgoing, stdio},
    warden::Warden,
};

/// How long is waited for what must happen.
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// The program that misbehaves.
pub(super) fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_upstream-misbehaving").into()
}

/// How it is run.
pub(super) fn config() -> ChildConfig {
    let mut config = ChildConfig::new("test", program());
    config.environment =
        Environment::inherited(|name| (name == "PATH").then(|| "/usr/bin:/bin".into()));
    // Here it only says how long a test takes.
    config.limits.grace = Duration::from_millis(200);
    config
}

/// The same by a shell, which runs `script` with the program as `$0`.
pub(super) fn by_shell(script: &str) -> ChildConfig {
    let mut config = config();
    config.program = "sh".into();
    config.arguments = vec!["-c".into(), script.into(), program().into()];
    config
}

pub(super) async fn open(config: ChildConfig) -> Link {
    stdio::open(&Arc::new(config), &Warden::none()).await.unwrap()
}

pub(super) async fn send(link: &Link, method: &str, number: usize) {
    let message = format!("{{\"id\":7,\"method\":\"{method}\",\"number\":{number}}}");
    let message = Bytes::from(message);
    link.sender.send(Outgoing::new(message)).await.unwrap();
}

/// What comes next.
pub(super) async fn next(link: &mut Link) -> Incoming {
    let next = tokio::time::timeout(PATIENCE, link.receiver.recv()).await;
    next.expect("something comes").expect("the connection has not ended")
}

/// The next message.
pub(super) async fn message(link: &mut Link) -> String {
    match next(link).await {
        Incoming::Message { message, during: None } => String::from_utf8(message.to_vec()).unwrap(),
        other => panic!("{other:?} is no message"),
    }
}

/// What `method` is answered with.
pub(super) async fn call(link: &mut Link, method: &str, number: usize) -> String {
    send(link, method, number).await;
    let answer = message(link).await;
    let result = answer.strip_prefix("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":");
    result.expect("it is the answer").strip_suffix('}').unwrap().to_owned()
}

/// Why the connection ends. Nothing may come before that or after it.
pub(super) async fn closed(link: &mut Link) -> ClosedError {
    match next(link).await {
        Incoming::Closed(error) => {
            let after = tokio::time::timeout(PATIENCE, link.receiver.recv()).await.unwrap();
            assert!(after.is_none(), "{after:?}");
            error
        }
        other => panic!("{other:?} is not the end"),
    }
}

/// Whether there is such a process that is not a zombie.
pub(super) fn is_running(process: u32) -> bool {
    let pid = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    // Where no one reaps orphans they stay as zombies.
    let is_zombie = stat.is_ok_and(|stat| stat.rsplit_once(") ").unwrap().1.starts_with('Z'));
    test_kill_process(pid).is_ok() && !is_zombie
}

/// Waits until `condition` holds.
pub(super) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}"));
}
