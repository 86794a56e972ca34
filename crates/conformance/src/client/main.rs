//! The client that the suite examines: the command line program `client`, as a library, given what
//! to do for each scenario. Nothing here knows OAuth; what scopes are needed comes from the mock
//! server's 403.
//!
//! The suite starts it with the mock server's URL as the last argument, and with the scenario, the
//! revision and sometimes names and secrets in the environment.

mod commands;

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use auth_core::SystemClock;
use serde_json::Value;
use settings::Environment;
use tempfile::TempDir;
use terminal::{Invocation, Program};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The browser: it follows where it is sent, and presses nothing.
const BROWSER: &str = "conformance-browser";

/// A person who agrees to everything, and to every default.
struct Enter;

impl client::Keyboard for Enter {
    fn ask(&self, _text: &str) -> io::Result<Option<String>> {
        Ok(Some(String::new()))
    }
}

/// One run of the suite against us.
struct Run {
    url: String,
    scenario: String,
    context: Value,
    folder: TempDir,
    browser: PathBuf,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Run::from_surroundings() {
        Ok(run) => run.perform().await,
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}

impl Run {
    #[expect(clippy::disallowed_methods, reason = "the suite talks through the environment")]
    fn from_surroundings() -> Result<Self, Failure> {
        let context = std::env::var("MCP_CONFORMANCE_CONTEXT").unwrap_or_else(|_| "{}".to_owned());
        Ok(Self {
            url: std::env::args().next_back().ok_or("the URL is missing")?,
            scenario: std::env::var("MCP_CONFORMANCE_SCENARIO")?,
            context: serde_json::from_str(&context)?,
            folder: TempDir::new()?,
            browser: std::env::current_exe()?.with_file_name(BROWSER),
        })
    }

    async fn perform(&self) -> Result<(), Failure> {
        for command in commands::of(self)? {
            self.client(&command).await?;
        }
        if self.scenario == commands::ECHO {
            let listed = self.client(&commands::listing()).await?;
            self.client(&commands::echo(&listed)?).await?;
        }
        Ok(())
    }

    /// Runs one command line of `client`, in a world that has a folder and a browser and nothing
    /// else, and gives what it printed.
    async fn client(&self, args: &[String]) -> Result<Vec<u8>, Failure> {
        let mut line = vec![
            "client".to_owned(),
            "--url".to_owned(),
            self.url.clone(),
            "--token-store".to_owned(),
            "file".to_owned(),
        ];
        line.extend_from_slice(args);
        let environment = self.environment();
        // There is no terminal, but Enter is pressed whenever something is asked.
        let console = client::Console { keyboard: Some(Arc::new(Enter)), ..Default::default() };
        let mut stdout = Vec::new();
        let world = client::World {
            invocation: Invocation::workspace(Program::Client),
            environment: &|_: &Path| Ok(environment.clone()),
            clock: Arc::new(SystemClock),
            console: &console,
            stdin: &mut io::empty(),
            stdout: &mut stdout,
            stderr: &mut io::stderr(),
        };
        let exit = client::run(line.iter().map(OsString::from), world).await;
        match exit {
            client::Exit::Ok => Ok(stdout),
            other => Err(format!("client {}: {}", args.join(" "), other.name()).into()),
        }
    }

    fn environment(&self) -> Environment {
        Environment::from_pairs([
            ("XDG_STATE_HOME".to_owned(), self.folder.path().display().to_string()),
            ("BROWSER".to_owned(), self.browser.display().to_string()),
        ])
    }

    /// A text of the context.
    fn given(&self, name: &str) -> Result<&str, Failure> {
        let text = self.context.get(name).and_then(Value::as_str);
        text.ok_or_else(|| format!("the context has no {name}").into())
    }

    /// A text of the context, in a file: secrets are not on the command line.
    fn file(&self, name: &str) -> Result<String, Failure> {
        let path = self.folder.path().join(name);
        fs::write(&path, self.given(name)?)?;
        Ok(path.display().to_string())
    }
}
