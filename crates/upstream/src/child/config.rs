//! How a server is run, and what it may use.

use std::{ffi::OsString, fmt, path::PathBuf, time::Duration};

use super::Environment;

/// How a server is run as a child process.
#[derive(Clone)]
pub struct ChildConfig {
    /// What the operator calls it, for the log.
    pub name: String,
    /// The program: a name, which is looked up in the `PATH` of [`Self::environment`], or a path.
    /// A relative path begins at the working directory of this process.
    pub program: OsString,
    /// Its arguments. They may have secrets in them, so they are never shown.
    pub arguments: Vec<OsString>,
    /// All that its environment has.
    pub environment: Environment,
    /// Its working directory; `None`: that of this process.
    pub directory: Option<PathBuf>,
    /// What it may use.
    pub limits: ChildLimits,
}

impl ChildConfig {
    /// `program` with nothing in its environment, and the default limits.
    #[must_use]
    pub fn new(name: impl Into<String>, program: impl Into<OsString>) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            arguments: Vec::new(),
            environment: Environment::empty(),
            directory: None,
            limits: ChildLimits::default(),
        }
    }
}

impl fmt::Debug for ChildConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildConfig")
            .field("name", &self.name)
            .field("program", &self.program)
            .field("arguments", &self.arguments.len())
            .field("environment", &self.environment)
            .field("directory", &self.directory)
            .field("limits", &self.limits)
            .finish()
    }
}

/// What a child process may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildLimits {
    /// The longest message from the server, in bytes. Default: 16 MiB. A longer one is discarded
    /// and its call fails.
    pub max_message: usize,
    /// How much that is no message may come without a message in between; then the server is
    /// ended. Counted are lines, and each [`Self::max_message`] bytes of a line that is too long.
    /// Default: 1,000.
    pub max_garbage: u32,
    /// How many messages are waiting to be written to the server, and how many to be read from it,
    /// at most. Default: 32.
    pub queue: usize,
    /// How long the server may read nothing while there is something to read. Default: 30 seconds.
    pub write_timeout: Duration,
    /// How long it has to exit after its stdin was closed, and again after SIGTERM. Default: 2
    /// seconds.
    pub grace: Duration,
    /// The memory that it and what it has started may use, in bytes; `None`, the default: any.
    /// Linux only.
    pub max_memory: Option<u64>,
    /// How much of its output is logged.
    pub output: OutputLimits,
}

impl Default for ChildLimits {
    fn default() -> Self {
        Self {
            max_message: 16 * 1024 * 1024,
            max_garbage: 1_000,
            queue: 32,
            write_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(2),
            max_memory: None,
            output: OutputLimits::default(),
        }
    }
}

/// How much of what a server writes to stderr, and to stdout without being a message, is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLimits {
    /// Bytes that may come at once. Default: 64 KiB.
    pub burst: u32,
    /// Bytes in a second, on average. Default: 4 KiB. What is beyond is left out of the log, and
    /// how much that was is logged.
    pub bytes_per_second: u32,
    /// The longest line, in bytes. Default: 2,048. Of a longer one the beginning is logged.
    pub max_line: usize,
}

impl Default for OutputLimits {
    fn default() -> Self {
        Self { burst: 64 * 1024, bytes_per_second: 4 * 1024, max_line: 2_048 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_values_are_not_shown() {
        let mut config = ChildConfig::new("notes", "notes-server");
        config.arguments = vec!["--key=hidden-argument".into()];
        config.environment.set("KEY", "hidden-value".to_owned().into()).unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("hidden"), "{shown}");
        assert!(shown.contains("notes-server") && shown.contains("KEY"), "{shown}");
    }
}
