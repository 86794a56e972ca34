//! How servers end, and what is left of them.

use std::{os::unix::process::ExitStatusExt, sync::Arc, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use upstream::{
    link::{ClosedError, Incoming, stdio},
    warden::Warden,
};

use super::support::{
    by_shell, call, closed, config, is_running, message, next, open, program, send, until,
};

/// The process of a server that was started by a shell that prints it.
async fn process(link: &mut upstream::link::Link) -> u32 {
    message(link).await.trim_matches(['[', ']']).parse().unwrap()
}

#[tokio::test]
async fn a_server_that_exits_while_called_says_how() {
    let mut link = open(config()).await;
    send(&link, "exit", 3).await;
    let ClosedError::Exited(status) = closed(&mut link).await else { panic!("it has exited") };
    assert_eq!(status.code(), Some(3));
}

#[tokio::test]
async fn a_server_that_is_killed_says_so() {
    let mut link = open(by_shell("echo [$$]; exec \"$0\"")).await;
    let process = process(&mut link).await;
    send(&link, "hang", 0).await;
    let pid = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let ClosedError::Exited(status) = closed(&mut link).await else { panic!("it has exited") };
    assert_eq!(status.signal(), Some(9));
}

#[tokio::test]
async fn what_it_wrote_before_its_end_arrives() {
    for _ in 0..20 {
        let mut link = open(config()).await;
        assert_eq!(call(&mut link, "answer_and_exit", 0).await, "{}");
        let closed = closed(&mut link).await;
        assert!(matches!(closed, ClosedError::Exited(status) if status.success()), "{closed:?}");
    }
}

#[tokio::test]
async fn what_it_has_started_ends_with_it_and_holds_nothing_up() {
    let mut link = open(config()).await;
    // It has the stdout of the server, and stays.
    let grandchild = call(&mut link, "fork", 0).await.parse().unwrap();
    assert!(is_running(grandchild));
    send(&link, "exit", 0).await;
    assert!(matches!(closed(&mut link).await, ClosedError::Exited(_)));
    until("its child has ended", || !is_running(grandchild)).await;
}

#[tokio::test]
async fn a_server_ends_when_the_link_is_dropped() {
    let mut link = open(by_shell("echo [$$]; exec \"$0\"")).await;
    let process = process(&mut link).await;
    let grandchild = call(&mut link, "fork", 0).await.parse().unwrap();
    drop(link);
    until("both have ended", || !is_running(process) && !is_running(grandchild)).await;
}

#[tokio::test]
async fn a_server_that_stays_is_asked_by_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap 'echo done > asked; exit' TERM; echo [$$]; \"$0\" --stay & wait";
    let mut config = by_shell(script);
    config.directory = Some(folder.path().to_owned());
    // More than enough for the shell to do so.
    config.limits.grace = Duration::from_secs(3);
    let mut link = open(config).await;
    let process = process(&mut link).await;
    drop(link.sender);
    let closed = link.receiver.recv().await;
    assert!(matches!(closed, Some(Incoming::Closed(ClosedError::Ended("it is no longer needed")))));
    until("it has ended", || !is_running(process)).await;
    assert!(folder.path().join("asked").exists());
}

#[tokio::test]
async fn a_server_that_ignores_sigterm_is_killed() {
    let mut link = open(by_shell("trap '' TERM; echo [$$]; exec \"$0\" --stay")).await;
    let process = process(&mut link).await;
    drop(link);
    until("it has ended", || !is_running(process)).await;
}

#[tokio::test]
async fn a_server_that_does_not_read_is_ended() {
    let mut config = config();
    config.limits.write_timeout = Duration::from_millis(300);
    let mut link = open(config).await;
    send(&link, "rest", 0).await;
    let filling = tokio::spawn({
        let sender = link.sender.clone();
        async move {
            let message = bytes::Bytes::from("x".repeat(10_000));
            while sender.send(upstream::link::Outgoing::new(message.clone())).await.is_ok() {}
        }
    });
    let closed = closed(&mut link).await;
    let why = "it does not read what it is sent";
    assert!(matches!(closed, ClosedError::Ended(it) if it == why), "{closed:?}");
    filling.await.unwrap();
}

#[tokio::test]
async fn a_server_that_closes_a_pipe_and_stays_is_ended() {
    for (script, why) in [
        ("echo [$$]; exec >&-; exec \"$0\" --stay", "it has closed its output"),
        ("echo [$$]; exec 0<&-; echo '{}'; exec sleep 1000", "it has closed its input"),
    ] {
        let mut link = open(by_shell(script)).await;
        let process = process(&mut link).await;
        if why.contains("input") {
            message(&mut link).await;
            // It is noticed by writing.
            send(&link, "ping", 0).await;
        }
        let closed = closed(&mut link).await;
        assert!(matches!(closed, ClosedError::Ended(it) if it == why), "{closed:?}");
        until("it has ended", || !is_running(process)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_that_uses_too_much_memory_is_ended() {
    let mut config = config();
    config.limits.max_memory = Some(100 * 1024 * 1024);
    let mut link = open(config).await;
    send(&link, "memory", 300 * 1024 * 1024).await;
    let mut end = next(&mut link).await;
    // It may answer before it is ended, or not.
    if matches!(end, Incoming::Message { .. }) {
        end = next(&mut link).await;
    }
    let Incoming::Closed(ClosedError::Ended(why)) = end else { panic!("{end:?} is not the end") };
    assert_eq!(why, "it uses more memory than it may");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_within_its_memory_goes_on() {
    let mut config = config();
    config.limits.max_memory = Some(1024 * 1024 * 1024);
    let mut link = open(config).await;
    send(&link, "memory", 1024).await;
    message(&mut link).await;
    // Longer than memory is looked at. It may be slow, but it may not end.
    let ended = tokio::time::timeout(Duration::from_secs(5), next(&mut link)).await;
    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test]
async fn a_program_that_cannot_be_started_says_why() {
    let mut nothing = config();
    nothing.program = "no-such-program".into();
    let mut folder = config();
    folder.program = "/".into();
    let mut elsewhere = config();
    elsewhere.directory = Some("/no/such/folder".into());
    for config in [nothing, folder, elsewhere] {
        let opened = stdio::open(&Arc::new(config), &Warden::none()).await;
        assert!(matches!(opened, Err(ClosedError::NotStarted(_))), "{opened:?}");
    }
    assert!(program().exists());
}

#[test]
fn servers_end_with_the_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (link, process) = runtime.block_on(async {
        let mut link = open(by_shell("echo [$$]; exec \"$0\" --stay")).await;
        let process = process(&mut link).await;
        (link, process)
    });
    drop(runtime);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(until("it has ended", || !is_running(process)));
    drop(link);
}
