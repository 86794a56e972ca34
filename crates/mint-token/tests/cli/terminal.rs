//! The program in a real pseudo-terminal, which `script` (util-linux) makes.

use std::{
    fs::{self, File},
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rustix::termios::{LocalModes, tcgetattr};

use crate::support::Folder;

const PASSPHRASE: &str = "Zq7 open sesame";
/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);

fn in_a_terminal(folder: &Folder, args: &str) -> Child {
    let line = format!("exec {} {args}", env!("CARGO_BIN_EXE_mint-token"));
    Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(folder.path(""))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs `args` in a terminal. For each text that appears, what is typed then. How it ended, and all that
/// was seen.
fn typed(folder: &Folder, args: &str, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut child = in_a_terminal(folder, args);
    let mut keys = child.stdin.take().unwrap();
    let (mut screen, shown) = (child.stdout.take().unwrap(), Arc::new(Mutex::new(String::new())));
    let all = Arc::clone(&shown);
    let reader = std::thread::spawn(move || {
        let mut some = [0; 1024];
        while let Ok(count @ 1..) = screen.read(&mut some) {
            all.lock().unwrap().push_str(&String::from_utf8_lossy(some.get(..count).unwrap()));
        }
    });
    let start = Instant::now();
    let pause = || {
        assert!(start.elapsed() < PATIENCE, "{args}: {:?}", shown.lock().unwrap());
        std::thread::sleep(Duration::from_millis(10));
    };
    for (text, answer) in answers {
        while !shown.lock().unwrap().contains(text) {
            pause();
        }
        keys.write_all(answer.as_bytes()).unwrap();
    }
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        pause();
    };
    reader.join().unwrap();
    let shown = shown.lock().unwrap().clone();
    (status.code(), shown)
}

#[test]
fn a_person_is_asked_whether_to_mint_what_the_policy_does_not_know() {
    let folder = Folder::ready();
    folder.write("policy.toml", "[scopes]\n\"A\" = \"A\"\n[roles]\nuser = [\"A\"]\n");
    let question = "Mint it all the same? [y/N] ";
    for (answer, code) in [("y\n", 0), ("n\n", 2), ("\n", 2), ("\u{4}", 2)] {
        let args = "--policy policy.toml --scope B";
        let (ended, shown) = typed(&folder, args, &[(question, answer)]);
        assert_eq!(ended, Some(code), "{answer:?} {shown:?}");
        assert!(shown.contains("knows no scope B: it grants nothing"), "{shown:?}");
        assert_eq!(shown.contains("eyJ"), code == 0, "{answer:?} {shown:?}");
    }
}

#[test]
fn a_passphrase_is_asked_for_and_not_shown() {
    let folder = Folder::ready();
    let typing = format!("{PASSPHRASE}\n");
    let twice = [("Passphrase: ", typing.as_str()), ("The same once more: ", &typing)];
    let (ended, shown) = typed(&folder, "keygen --encrypt", &twice);
    assert_eq!(ended, Some(0), "{shown:?}");
    assert!(!shown.contains(PASSPHRASE), "{shown:?}");
    assert!(folder.read("key.pem").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    let (ended, shown) = typed(&folder, "--key key.pem", &twice[..1]);
    assert_eq!(ended, Some(0), "{shown:?}");
    assert!(shown.contains("eyJ") && !shown.contains(PASSPHRASE), "{shown:?}");
}

/// With its output stopped, a terminal takes no prompt: who asks before the echo is off hangs with the echo on.
#[test]
fn the_echo_is_off_before_the_prompt_is_there() {
    let folder = Folder::ready();
    let mut child = in_a_terminal(&folder, "keygen --encrypt");
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    keys.write_all(b"\x13").unwrap();
    let start = Instant::now();
    let is_off = loop {
        match echo_is_off(child.id()) {
            false if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(10)),
            is_off => break is_off,
        }
    };
    // Typed in any case, so that no program is left behind.
    keys.write_all(format!("{PASSPHRASE}\n{PASSPHRASE}\n\x11").as_bytes()).unwrap();
    let mut shown = String::new();
    screen.read_to_string(&mut shown).unwrap();
    assert!(child.wait().unwrap().success(), "{shown:?}");
    assert!(is_off && !shown.contains(PASSPHRASE), "{shown:?}");
}

/// Whether the terminal of what `script` has started shows nothing of what is typed.
fn echo_is_off(script: u32) -> bool {
    let Ok(children) = fs::read_to_string(format!("/proc/{script}/task/{script}/children")) else {
        return false;
    };
    children.split_whitespace().any(|child| {
        File::open(format!("/proc/{child}/fd/0"))
            .ok()
            .and_then(|terminal| tcgetattr(terminal).ok())
            .is_some_and(|modes| !modes.local_modes.contains(LocalModes::ECHO))
    })
}
