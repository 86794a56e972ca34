//! A program that a test starts, with its output and its log.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A program that runs until it is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    out: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, whose standard error goes to the file at `log`.
    #[must_use]
    pub fn start(command: &mut Command, log: PathBuf) -> Self {
        let file = File::create(&log).expect("a file for the log");
        let mut child =
            command.stdout(Stdio::piped()).stderr(file).spawn().expect("a program that starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, out, log }
    }

    /// The next line that it prints, with its line break; empty once it prints no more.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("text");
        line
    }

    /// What it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).expect("a log")
    }

    /// The most memory that it has had, in KiB; 0 where the system does not say.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let size = line.and_then(|line| line.trim().strip_suffix(" kB"));
        size.map_or(0, |size| size.trim().parse().expect("a number"))
    }

    /// Sends it a signal: `-HUP`.
    #[cfg(unix)]
    pub fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.expect("kill").success(), "{signal} cannot be sent");
    }

    /// Waits for its end: the exit code.
    #[must_use]
    pub fn wait(mut self) -> Option<i32> {
        self.child.wait().expect("an end").code()
    }

    /// Sends SIGTERM and waits for the end.
    #[cfg(unix)]
    #[must_use]
    pub fn terminate(self) -> Option<i32> {
        self.signal("-TERM");
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
