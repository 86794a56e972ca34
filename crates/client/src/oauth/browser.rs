//! Shows a page to the person, or says where it is.
//!
//! The address was checked before: it is https, or this machine. It goes to the browser as one
//! argument, past no shell. A token that we were given is not in the browser's environment.

use std::process::{Command, Stdio};

use settings::{Environment, Surrounding, Variable};

/// How pages are opened here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Browser {
    program: Option<Vec<String>>,
}

impl Browser {
    /// The browser that the environment names, or the system's way, where there is a screen.
    pub(crate) fn from_environment(environment: &Environment) -> Self {
        let named = environment.surrounding(Surrounding::Browser);
        let program = match named {
            // A list by custom; the first is preferred.
            Some(list) => list.split(':').next().map(|first| vec![first.to_owned()]),
            None if cfg!(target_os = "macos") => Some(vec!["open".to_owned()]),
            None if cfg!(windows) => {
                Some(vec!["rundll32".to_owned(), "url.dll,FileProtocolHandler".to_owned()])
            }
            None => [Surrounding::Display, Surrounding::WaylandDisplay]
                .into_iter()
                .any(|screen| environment.surrounding(screen).is_some())
                .then(|| vec!["xdg-open".to_owned()]),
        };
        Self { program: program.filter(|program| !program.iter().any(String::is_empty)) }
    }

    /// No browser.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// Whether there is one.
    pub(crate) fn is_there(&self) -> bool {
        self.program.is_some()
    }

    /// Opens a page. Returns whether a program was started.
    pub(crate) fn open(&self, url: &str) -> bool {
        let Some([program, args @ ..]) = self.program.as_deref() else {
            return false;
        };
        Command::new(program)
            .args(args)
            .arg(url)
            .env_remove(Variable::McpToken.name())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(pairs: &[(&str, &str)]) -> Option<Vec<String>> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Browser::from_environment(&Environment::from_pairs(pairs)).program
    }

    #[test]
    fn the_environment_names_the_browser() {
        assert_eq!(program(&[("BROWSER", "firefox:w3m")]), Some(vec!["firefox".to_owned()]));
        assert_eq!(program(&[("BROWSER", ":w3m")]), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn without_a_screen_there_is_no_browser() {
        assert_eq!(program(&[]), None);
        assert_eq!(program(&[("DISPLAY", ":0")]), Some(vec!["xdg-open".to_owned()]));
        assert!(!Browser::none().open("https://as.example/"));
    }
}
