//! A folder in which the programs are found under every name that documents write.

use std::{
    fs::{self, File},
    net::TcpStream,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    binaries::{install, write_script},
    pages::{Block, root},
};

/// In place of a server that a package runner would download: one over stdio with two tools.
const RUNNER: &str = "#!/bin/sh\nexec sh \"$(dirname \"$0\")/../notes.sh\"\n";
const NOTES: &str = include_str!("../../../server/tests/commands/notes.sh");
const TOOLS: &str = r#"[{"name":"get_note","inputSchema":{"type":"object"}},{"name":"put_note","inputSchema":{"type":"object"}}]"#;

/// How long a server may take to begin, and a change to count. Both take less than a second where
/// the machine is idle.
const PATIENCE: Duration = Duration::from_secs(30);

/// A shell in a folder of its own.
pub(crate) struct Shell {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

/// What was printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Shell {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        install(&bin);
        write_script(&bin.join("npx"), RUNNER);
        fs::write(folder.path().join("notes.sh"), NOTES).unwrap();
        fs::write(folder.path().join("tools.json"), TOOLS).unwrap();
        symlink(root().join("docs"), folder.path().join("docs")).unwrap();
        let port = testkit::free_port().unwrap();
        Self { folder, port, server: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The text with this server's address in place of the default one.
    pub(crate) fn here(&self, text: &str) -> String {
        text.replace("localhost:8000", &format!("localhost:{}", self.port))
    }

    /// What a program prints, with the default address in place of this server's.
    pub(crate) fn as_printed(&self, text: &str) -> String {
        text.replace(&format!("localhost:{}", self.port), "localhost:8000")
    }

    pub(crate) fn command(&self, script: &str) -> Command {
        let mut shell = Command::new("bash");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path("bin").display());
        let origin = format!("http://localhost:{}", self.port);
        shell
            .args(["-euo", "pipefail", "-c", &self.here(script)])
            .current_dir(self.folder.path())
            .env_clear()
            .envs([("PATH", path), ("HOME", self.path("home").display().to_string())])
            .envs([("BIND_ADDR", format!("127.0.0.1:{}", self.port))])
            .envs([("JWT_ISSUER", origin.clone()), ("MCP_RESOURCE", format!("{origin}/mcp"))])
            .envs([("MCP_URL", format!("{origin}/mcp"))])
            .stdin(Stdio::null());
        shell
    }

    /// Whether this machine has a program that is not ours. With `TEST_DEPLOY=required` it must.
    pub(crate) fn has(&self, program: &str) -> bool {
        let is_there = self.run(&format!("command -v {program}")).code == Some(0);
        assert!(is_there || !is_required(), "TEST_DEPLOY=required, and {program} is not installed");
        is_there
    }

    pub(crate) fn run(&self, script: &str) -> Said {
        let output = self.command(script).output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        Said { code: output.status.code(), text: String::from_utf8(text).unwrap() }
    }

    #[track_caller]
    pub(crate) fn expect(&self, code: i32, script: &str) -> String {
        let said = self.run(script);
        assert_eq!(said.code, Some(code), "{script}\n{}", said.text);
        said.text
    }

    /// The same, once it ends with `code`: a change counts within a second.
    #[track_caller]
    pub(crate) fn expect_soon(&self, code: i32, script: &str) -> String {
        let until = Instant::now() + PATIENCE;
        while self.run(script).code != Some(code) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        self.expect(code, script)
    }

    /// Ends the server that runs, and starts another one.
    pub(crate) fn serve(&mut self, script: &str) {
        self.stop();
        let log = File::create(self.path("server.log")).unwrap();
        let both = (log.try_clone().unwrap(), log);
        let mut command = self.command(&format!("exec {script}"));
        let mut child = command.stdout(both.0).stderr(both.1).spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let has_ended = child.try_wait().unwrap().is_some();
            assert!(!has_ended && Instant::now() < until, "{script}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(child);
    }

    /// What the server has printed.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("server.log")).unwrap_or_default()
    }

    /// Waits until the server has printed each of these lines.
    #[track_caller]
    pub(crate) fn expect_log(&self, expected: &str) {
        let until = Instant::now() + PATIENCE;
        let expected: Vec<_> = expected.lines().map(|line| format!("…{line}…")).collect();
        let expected = expected.join("\n");
        while !has(&self.log(), &expected) {
            assert!(Instant::now() < until, "{expected}\nis not in\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.server.take() {
            let pid = child.id().to_string();
            let _ = Command::new("kill").arg(pid).status();
            let _ = child.wait();
        }
    }

    /// Does what a block prints. A line that says `stays up` is a server. Where a block of the
    /// language `text` follows, its lines are what is printed; if its first line is an error, the
    /// command fails.
    #[track_caller]
    pub(crate) fn follow(&mut self, block: &Block, then: Option<&Block>) {
        let expected = then.filter(|it| it.language == "text").map(|it| self.here(&it.text));
        let fails = expected.as_ref().is_some_and(|it| it.starts_with("error: "));
        let mut lines = String::new();
        for line in block.text.lines() {
            if line.contains("stays up") {
                self.all(block, &std::mem::take(&mut lines), None, false);
                self.serve(line.split(" #").next().unwrap_or_default());
            } else {
                lines.push_str(line);
                lines.push('\n');
            }
        }
        self.all(block, &lines, expected.as_deref(), fails);
    }

    /// Runs lines; repeats what printed something else, as a change counts within a second.
    #[track_caller]
    fn all(&self, block: &Block, script: &str, expected: Option<&str>, fails: bool) {
        if script.trim().is_empty() {
            return;
        }
        let until = Instant::now() + PATIENCE;
        let mut said = self.run(script);
        let last = script.trim_end().rsplit_once('\n').map_or(script, |(_, last)| last);
        let is_met = |said: &Said| {
            (said.code == Some(0)) != fails && expected.is_none_or(|it| has(&said.text, it))
        };
        while expected.is_some() && !is_met(&said) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(200));
            said = self.run(last);
        }
        let wanted = expected.unwrap_or_default();
        assert!(
            is_met(&said),
            "{}: {:?}\n{script}\nprints\n{}\nnot\n{wanted}\n{}",
            block.at,
            said.code,
            said.text,
            self.log()
        );
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Whether each line of `expected` is a line of `text`; `…` is anything within a line.
pub(crate) fn has(text: &str, expected: &str) -> bool {
    let is_line = |wanted: &str| text.lines().any(|line| fits(line.trim_end(), wanted));
    expected.lines().filter(|line| !line.is_empty()).all(is_line)
}

fn fits(line: &str, wanted: &str) -> bool {
    let Some((start, rest)) = wanted.split_once('…') else { return line == wanted };
    let (middle, end) = rest.rsplit_once('…').unwrap_or(("", rest));
    let between = line.strip_prefix(start).and_then(|line| line.strip_suffix(end));
    let mut parts = middle.split('…');
    let after = |line, part| str::split_once(line, part).map(|(_, after)| after);
    between.is_some_and(|line| parts.try_fold(line, after).is_some())
}

#[test]
fn expected_lines_are_found_with_gaps() {
    assert!(has("a 1 b\nc", "a … b\n"));
    assert!(has("a 1 b\nc", "c\na …"));
    assert!(has("a 1 b 2 c", "… 1 … 2 …"));
    assert!(!has("a 1 b\nc", "a … c"));
    assert!(!has("a 1 b", "a 1"));
    assert!(!has("a 1 b", "1 b"));
}

#[expect(clippy::disallowed_methods, reason = "the gate says so by a variable")]
fn is_required() -> bool {
    std::env::var_os("TEST_DEPLOY").is_some_and(|it| it == "required")
}
