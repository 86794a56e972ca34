//! The binary in a real pseudo-terminal, which `script` (util-linux) makes.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::{
    rich::Rich,
    servers::{Canned, Mcp},
    verbs::wait_for,
};

/// How long something may take to appear.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run in a terminal.
pub(crate) struct Terminal {
    child: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    pub(crate) fn run(url: &str, args: &str, environment: &[(&str, &str)]) -> Self {
        let line = format!("{} --url {url} {args}", env!("CARGO_BIN_EXE_client"));
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env_clear()
            .env("BARTIZAN_RUN_BY", "just")
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "xterm")
            .envs(environment.iter().copied())
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let shown = Arc::new(Mutex::new(String::new()));
        let (mut output, all) = (child.stdout.take().unwrap(), Arc::clone(&shown));
        std::thread::spawn(move || {
            let mut some = [0; 1024];
            while let Ok(count @ 1..) = output.read(&mut some) {
                all.lock().unwrap().push_str(&String::from_utf8_lossy(&some[..count]));
            }
        });
        Self { keys: child.stdin.take().unwrap(), child, shown }
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    pub(crate) fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !self.shown().contains(text) {
            assert!(start.elapsed() < PATIENCE, "no {text:?} in {:?}", self.shown());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What was written last may still be on its way.
                std::thread::sleep(Duration::from_millis(100));
                return (status.code(), self.shown());
            }
            if start.elapsed() > PATIENCE {
                let _ = self.child.kill();
                panic!("it does not end: {:?}", self.shown());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_until_the_answer_fits() {
    for old in [false, true] {
        let (url, _) = Rich::new(old).serve().await;
        blocking(move || {
            // Longer than the timeout: the clock does not run while a person thinks. Real time: the
            // client is a process.
            let mut terminal = Terminal::run(&url, "--timeout 2 call greet", &[]);
            terminal.wait_for("Who are you?");
            std::thread::sleep(Duration::from_secs(3));
            terminal.press("y\n");
            terminal.wait_for("age");
            terminal.press("seven\n");
            terminal.wait_for("this must be an integer");
            terminal.press("7\n");
            terminal.wait_for("this is less than the minimum of 18");
            terminal.press("42\n");
            terminal.wait_for("name");
            terminal.press("\n");
            terminal.wait_for("this is required");
            terminal.press("Alice\n");
            let (code, shown) = terminal.end();
            assert_eq!(code, Some(0), "{shown}");
            assert!(
                shown.contains(r#"said {"action":"accept","content":{"age":42,"name":"Alice"}}"#)
            );
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_without_styles_gets_none() {
    blocking(|| {
        let shown = |environment: &'static [(&str, &str)]| {
            let terminal = Terminal::run("http://localhost:1/mcp", "tools", environment);
            let (code, shown) = terminal.end();
            assert_eq!(code, Some(3), "{shown}");
            assert!(shown.contains("error") && shown.contains("hint"), "{shown}");
            shown
        };
        assert!(shown(&[]).contains('\u{1b}'));
        for plain in [&[("TERM", "dumb")][..], &[("NO_COLOR", "1")]] {
            assert!(!shown(plain).contains('\u{1b}'), "{plain:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_may_decline_or_stop_or_open_a_page() {
    let (url, _) = Rich::default().serve().await;
    blocking(move || {
        for (tool, keys, said) in [
            ("greet", "n\n", r#"said {"action":"decline"}"#),
            ("greet", "s\n", r#"said {"action":"cancel"}"#),
            ("greet", "\u{4}", r#"said {"action":"cancel"}"#),
            ("visit", "\n", r#"said {"action":"accept"}"#),
        ] {
            let mut terminal = Terminal::run(&url, &format!("call {tool}"), &[]);
            terminal.wait_for("[s]top");
            terminal.press(keys);
            let (code, shown) = terminal.end();
            assert_eq!(code, Some(0), "{shown}");
            assert!(shown.contains(said), "{shown}");
            assert!(tool != "visit" || shown.contains("https://pay.example/1"), "{shown}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_c_ends_a_question_and_a_call() {
    for (old, tool, shown) in
        [(false, "greet", "[s]top"), (true, "greet", "[s]top"), (false, "forever", "")]
    {
        let (url, log) = Rich::new(old).serve().await;
        let (running, started) = (log.clone(), tool == "forever");
        let mut terminal =
            blocking(move || Terminal::run(&url, &format!("call {tool}"), &[])).await;
        if started {
            wait_for(&running, "begun").await;
        }
        blocking(move || {
            terminal.wait_for(shown);
            terminal.press("\u{3}");
            let (code, shown) = terminal.end();
            assert_eq!(code, Some(130), "{shown}");
            assert!(shown.contains("cancelled"), "{shown}");
        })
        .await;
        if started {
            wait_for(&log, "cancelled").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_whether_to_sign_in_and_may_say_no_or_leave() {
    let (url, _) = Canned::new(401).challenge("Bearer").with_issuer().serve().await;
    let (without, _) = Canned::new(401).challenge("Bearer").serve().await;
    blocking(move || {
        // Where no one can sign in, no one is asked to.
        let home = tempfile::tempdir().unwrap();
        let state = [("XDG_STATE_HOME", home.path().to_str().unwrap())];
        let (ended, shown) = Terminal::run(&without, "tools", &state).end();
        assert_eq!(ended, Some(4), "{shown}");
        assert!(shown.contains("no sign-in is possible there"), "{shown}");
        assert!(!shown.contains("Do it now?"), "{shown}");
        for (keys, code, words) in
            [("n\n", 4, "sign in with `just client login"), ("\u{3}", 130, "cancelled")]
        {
            let home = tempfile::tempdir().unwrap();
            let state = [("XDG_STATE_HOME", home.path().to_str().unwrap())];
            let mut terminal = Terminal::run(&url, "tools", &state);
            terminal.wait_for("wants you to sign in. Do it now? [Y/n] ");
            terminal.press(keys);
            let (ended, shown) = terminal.end();
            assert_eq!(ended, Some(code), "{shown}");
            assert!(shown.contains(words), "{shown}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_a_bar_that_goes_away() {
    let (url, _) = Rich::default().serve().await;
    blocking(move || {
        let terminal = Terminal::run(&url, "call steps", &[]);
        let (code, shown) = terminal.end();
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.contains("\r\u{1b}[K[########"), "{shown:?}");
        assert!(shown.contains("3/3 step 3\r\u{1b}[Karrived"), "{shown:?}");
        assert!(!shown.contains("progress:"), "{shown:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_has_colours_unless_they_are_not_wanted() {
    let (url, _) = Mcp::default().serve().await;
    blocking(move || {
        let bold = "\u{1b}[1mtimezone\u{1b}[0m";
        let (_, shown) = Terminal::run(&url, "", &[]).end();
        assert!(shown.contains(bold), "{shown:?}");
        let (_, shown) = Terminal::run(&url, "", &[("NO_COLOR", "1")]).end();
        assert!(shown.contains("timezone") && !shown.contains('\u{1b}'), "{shown:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_has_one_line_on_a_terminal() {
    let (url, _) = Rich::default().serve().await;
    blocking(move || {
        let (code, shown) = Terminal::run(&url, "tools", &[]).end();
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.contains("Thinks step by step, e.g. about a plan"), "{shown}");
        assert!(shown.contains("...\r\n") && !shown.contains("terminal is."), "{shown:?}");
        assert_eq!(shown.lines().count(), 10, "{shown}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_elided_on_a_terminal() {
    let (url, _) = Rich::default().serve().await;
    blocking(move || {
        let (code, shown) = Terminal::run(&url, "call long", &[]).end();
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.contains(&"x".repeat(4000)), "{shown}");
        assert!(!shown.contains(&"x".repeat(4001)), "{shown}");
        assert!(shown.contains("[the first 4000 of 5000 characters; --output json"), "{shown}");
    })
    .await;
}
