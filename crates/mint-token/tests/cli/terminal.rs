//! The program in a real pseudo-terminal, which `script` (util-linux) makes.

use std::{
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::support::Folder;

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

/// Runs `args` in a terminal. For each text that appears, what is typed then. How it ended, and all
/// that was seen.
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
    let question = "Mint anyway? [y/N] ";
    for (answer, code) in [("y\n", 0), ("n\n", 2), ("\n", 2), ("\u{4}", 2)] {
        let args = "--policy policy.toml --scope B";
        let (ended, shown) = typed(&folder, args, &[(question, answer)]);
        assert_eq!(ended, Some(code), "{answer:?} {shown:?}");
        assert!(shown.contains("has no scope B: it grants nothing"), "{shown:?}");
        assert_eq!(shown.contains("eyJ"), code == 0, "{answer:?} {shown:?}");
    }
}

#[test]
fn a_token_that_is_stored_is_not_shown_on_a_terminal() {
    let folder = Folder::ready();
    let (ended, shown) = typed(&folder, "--save", &[]);
    assert_eq!(ended, Some(0), "{shown:?}");
    assert!(shown.contains("as MCP_TOKEN in .env") && !shown.contains("eyJ"), "{shown:?}");
    assert!(folder.read(".env").contains("MCP_TOKEN=eyJ"));
    let (_, shown) = typed(&folder, "", &[]);
    assert!(shown.contains("eyJ"), "{shown:?}");
}
