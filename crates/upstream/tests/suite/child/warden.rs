//! No server outlives its gateway, whatever ends that.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    sync::Arc,
};

use upstream::{link::stdio, warden::Warden};

use super::support::{by_shell, config, is_running, message, program, until};

#[tokio::test]
async fn nothing_is_left_of_a_gateway_that_was_killed() {
    let mut gateway = Command::new(program())
        .args(["gateway", "3"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(gateway.stdout.take().unwrap());
    let lines = output.lines().map(Result::unwrap).take_while(|line| line != "ready");
    // The processes that the servers have started, which do not notice that their stdin is closed.
    let grandchildren: Vec<u32> = lines.map(|line| line.parse().unwrap()).collect();
    assert_eq!(grandchildren.len(), 3);
    assert!(grandchildren.iter().all(|process| is_running(*process)));
    // SIGKILL.
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    until("all have ended", || !grandchildren.iter().any(|process| is_running(*process))).await;
}

#[tokio::test]
async fn a_warden_that_was_killed_is_replaced_and_servers_go_on() {
    let warden = Warden::of_program(program());
    let config = Arc::new(by_shell("echo [$$]; exec \"$0\" --stay"));
    let mut first = stdio::open(&config, &warden).await.unwrap();
    let process: u32 = message(&mut first).await.trim_matches(['[', ']']).parse().unwrap();
    let before = warden.process().unwrap();
    let pid = rustix::process::Pid::from_raw(before.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    until("it has ended", || !is_running(before)).await;
    let second = stdio::open(&config, &warden).await.unwrap();
    assert_ne!(warden.process().unwrap(), before);
    assert!(is_running(process));
    drop((first, second));
    until("it has ended", || !is_running(process)).await;
}

#[tokio::test]
async fn without_the_warden_that_is_configured_nothing_is_started() {
    for program in ["/bin/true", "/bin/cat", "/no/such/program"] {
        let warden = Warden::of_program(program.into());
        let opened = stdio::open(&Arc::new(config()), &warden).await;
        assert!(opened.is_err(), "{program}");
    }
}
