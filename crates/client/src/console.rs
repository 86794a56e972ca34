//! The terminal around a run, as far as there is one.

use std::{
    fmt,
    io::{self, IsTerminal},
    sync::Arc,
};

use terminal::{prompt, width::of_terminal};

/// Asks a person.
pub trait Keyboard: Send + Sync {
    /// Prints a text and waits for a line, which comes without its end. `None` is the end of input.
    ///
    /// # Errors
    /// Whatever the terminal says.
    fn ask(&self, text: &str) -> io::Result<Option<String>>;
}

/// What of stdin, stdout and stderr is a terminal.
#[derive(Clone, Default)]
pub struct Console {
    /// How many columns stdout has, if it is a terminal.
    pub columns: Option<usize>,
    /// How many columns stderr has, if it is a terminal.
    pub error_columns: Option<usize>,
    /// The person to ask, if stdin and stderr are terminals.
    pub keyboard: Option<Arc<dyn Keyboard>>,
}

impl Console {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let error_columns = of_terminal(&io::stderr());
        let asks = error_columns.is_some() && io::stdin().is_terminal();
        Self {
            columns: of_terminal(&io::stdout()),
            error_columns,
            keyboard: asks.then(|| Arc::new(Process) as Arc<dyn Keyboard>),
        }
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console")
            .field("columns", &self.columns)
            .field("error_columns", &self.error_columns)
            .field("asks", &self.keyboard.is_some())
            .finish()
    }
}

/// stdin and stderr of this process.
struct Process;

impl Keyboard for Process {
    fn ask(&self, text: &str) -> io::Result<Option<String>> {
        prompt::ask(text)
    }
}
