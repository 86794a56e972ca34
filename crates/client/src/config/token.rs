//! How a run obtains and stores tokens.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use settings::{Environment, Surrounding};

use crate::{
    args::{Place, TokenArgs},
    oauth::{Browser, Callback, Exceptions, Identity, LoginError, read_secret},
    store::{self, Keychain, Store},
};

/// Our folder in the user's state folder.
const FOLDER: &str = "bartizan";

/// How a run obtains and stores tokens.
#[derive(Clone)]
pub(crate) struct TokenSettings {
    args: TokenArgs,
    folder: Option<PathBuf>,
    browser: Browser,
    timeout: Duration,
}

impl TokenSettings {
    /// What the command line and the process's surroundings say.
    pub(crate) fn new(args: TokenArgs, timeout: Duration, environment: &Environment) -> Self {
        let browser =
            if args.no_browser { Browser::none() } else { Browser::from_environment(environment) };
        Self { args, folder: state_folder(environment), browser, timeout }
    }

    /// Our folder; `None` where the user has none.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Where tokens are kept.
    pub(crate) fn store(&self) -> Option<Store> {
        let preferred = match self.args.token_store {
            Place::Auto => store::Place::Keychain,
            Place::File => store::Place::File,
        };
        Some(Store::in_folder(self.folder()?, Keychain { timeout: self.timeout }, preferred))
    }

    /// The flags.
    pub(crate) fn args(&self) -> &TokenArgs {
        &self.args
    }

    /// Who we are, with the secret read from its file.
    pub(crate) fn identity(&self) -> Result<Identity, LoginError> {
        Ok(Identity {
            client_id: self.args.client_id.clone(),
            client_secret: self.args.client_secret_file.as_deref().map(read_secret).transpose()?,
            document: self.args.client_metadata_url.clone(),
            redirect_port: self.args.redirect_port,
            redirect_host: self.args.redirect_host,
            assume_pkce: self.args.assume_pkce,
        })
    }

    /// What the user accepts although the standards do not.
    pub(crate) fn exceptions(&self) -> Exceptions<'_> {
        let resource = self.args.accept_resource.as_deref();
        Exceptions { resource, assume_pkce: self.args.assume_pkce }
    }

    /// The browser, if there is one.
    pub(crate) fn browser(&self) -> &Browser {
        &self.browser
    }

    /// How the browser's response comes back.
    pub(crate) fn callback(&self) -> Callback {
        if self.args.no_browser {
            Callback::Manual
        } else {
            Callback::Loopback(self.browser.clone())
        }
    }
}

impl fmt::Debug for TokenSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSettings").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// The user's state folder (XDG Base Directory, or what the system has instead), with ours in it.
pub(crate) fn state_folder(environment: &Environment) -> Option<PathBuf> {
    let absolute = |surrounding| {
        let path = PathBuf::from(environment.surrounding(surrounding)?);
        path.is_absolute().then_some(path)
    };
    let of_user = || {
        if cfg!(windows) {
            absolute(Surrounding::LocalAppData)
        } else if cfg!(target_os = "macos") {
            Some(absolute(Surrounding::Home)?.join("Library/Application Support"))
        } else {
            Some(absolute(Surrounding::Home)?.join(".local/state"))
        }
    };
    Some(absolute(Surrounding::StateHome).or_else(of_user)?.join(FOLDER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(pairs: &[(&str, &str)]) -> Option<PathBuf> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        state_folder(&Environment::from_pairs(pairs))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_state_folder_is_the_users() {
        let home = ("HOME", "/home/u");
        assert_eq!(folder(&[home]), Some("/home/u/.local/state/bartizan".into()));
        let set = ("XDG_STATE_HOME", "/state");
        assert_eq!(folder(&[home, set]), Some("/state/bartizan".into()));
        assert_eq!(
            folder(&[home, ("XDG_STATE_HOME", "state")]),
            Some("/home/u/.local/state/bartizan".into()),
            "a relative one counts for nothing"
        );
        assert_eq!(folder(&[]), None);
    }
}
