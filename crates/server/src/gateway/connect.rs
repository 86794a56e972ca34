//! A connection of our own to an upstream, to list what it offers.

use std::{ffi::OsString, sync::Arc, time::Duration};

use auth_core::ScopeSet;
use settings::Environment;
use upstream::{
    CallContext,
    calls::{CallLimits, Connection},
    catalog::{ListBounds, Offered, OfferedError},
    child::{self, ChildConfig, EnvironmentError, UnreadableError},
    era::{self, ConnectError, Wanted},
    gateway::offered,
    http::{HttpLimits, SendError, UpstreamUrl},
    link::{ClosedError, Link, stdio},
    warden::Warden,
};

use super::remote::{READ_SECRET, Remote, RemoteError};
use crate::config::upstreams::{CommandPlace, UpstreamConfig, UpstreamPlace};

/// How long a server has to say what it offers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For its first answer.
    first: Duration,
    /// For everything.
    whole: Duration,
}

impl Patience {
    /// With a server of which nothing is known: package runners download on their first run.
    pub(crate) const UNKNOWN: Self =
        Self { first: Duration::from_mins(3), whole: Duration::from_mins(4) };
    /// With one that was accepted: the gateway can start without it.
    pub(crate) const ACCEPTED: Self =
        Self { first: Duration::from_secs(10), whole: Duration::from_secs(10) };
}

/// Why it is not known what a server offers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    /// It could not be started or reached.
    #[error(transparent)]
    Closed(#[from] ClosedError),
    /// It could not be spoken to.
    #[error("no MCP connection could be begun")]
    Connect(#[from] ConnectError),
    /// It did not say what it offers.
    #[error(transparent)]
    Offered(#[from] OfferedError),
    /// It did not say so in time.
    #[error("the server did not say what it offers within {0:?}")]
    Timeout(Duration),
    /// Its program has not the environment that it is to have.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It cannot be reached by its URL.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// No connection to its URL can be made.
    #[error("the server at {url} cannot be reached")]
    Unreachable {
        /// Its address, without its query.
        url: UpstreamUrl,
        /// Why not.
        #[source]
        source: SendError,
    },
}

/// Why a program has not the environment that it is to have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// A variable cannot be in an environment.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// Variables that it is to get are not set.
    #[error("{}", .0.join("\n"))]
    Missing(Vec<String>),
    /// The file with the value of a variable cannot be read.
    #[error(transparent)]
    Unreadable(#[from] UnreadableError),
}

/// How the program of `place` is started. What can be read only when it starts is read once, so
/// that an error is found now.
pub(crate) fn child_config(
    name: &str,
    place: &CommandPlace,
    environment: &Environment,
) -> Result<ChildConfig, ProgramError> {
    if !place.missing.is_empty() {
        return Err(ProgramError::Missing(place.missing.clone()));
    }
    let of_process = |name: &str| environment.secret_named(name).map(OsString::from);
    let mut words = place.command.iter();
    let mut config = ChildConfig::new(name, words.next().cloned().unwrap_or_default());
    config.arguments = words.map(OsString::from).collect();
    config.directory.clone_from(&place.directory);
    config.limits.max_memory = place.max_memory;
    config.environment = child::Environment::inherited(of_process);
    for name in &place.environment {
        config.environment.inherit(name, of_process)?;
    }
    for (name, path) in &place.secrets {
        config.environment.set_from_file(name, path.clone(), READ_SECRET)?;
    }
    config.environment.check()?;
    Ok(config)
}

/// Everything that the server of `config` offers: it is started or reached, asked, and ended.
pub(crate) async fn listed(
    config: &UpstreamConfig,
    patience: Patience,
    environment: &Environment,
) -> Result<Offered, ListingError> {
    let listing = listing(config, patience.first, environment);
    let listed = tokio::time::timeout(patience.whole, listing).await;
    listed.map_err(|_| ListingError::Timeout(patience.whole))?
}

async fn listing(
    config: &UpstreamConfig,
    first: Duration,
    environment: &Environment,
) -> Result<Offered, ListingError> {
    let connection = match &config.place {
        UpstreamPlace::Command(place) => {
            started(child_config(config.name.as_str(), place, environment)?, first).await?
        }
        UpstreamPlace::Url(place) => {
            let limits = HttpLimits::default();
            reached(Remote::new(place, &config.resource, limits, environment)?, first).await?
        }
    };
    let bounds = ListBounds::default();
    let offered = offered(&connection, &bounds).await;
    connection.close("its definitions have been listed");
    Ok(offered?)
}

/// A connection to a program that is started for it.
async fn started(child: ChildConfig, first: Duration) -> Result<Connection, ListingError> {
    let (child, warden) = (Arc::new(child), Warden::of_this_program());
    let open = async || -> Result<Link, ListingError> { Ok(stdio::open(&child, &warden).await?) };
    Ok(match connect(open().await?, Wanted::Probe, first).await {
        // Some servers exit when they are asked anything before `initialize`.
        Err(ConnectError::Ended(_)) => connect(open().await?, Wanted::Old, first).await?,
        connection => connection?,
    })
}

/// A connection to a server with a URL.
async fn reached(remote: Remote, first: Duration) -> Result<Connection, ListingError> {
    let Remote { client, links } = remote;
    // A server that is not there is another error than one that refuses.
    client
        .reach()
        .await
        .map_err(|source| ListingError::Unreachable { url: client.url().clone(), source })?;
    let link = links.open(CallContext::new(None, ScopeSet::empty()));
    Ok(connect(link, Wanted::Probe, first).await?)
}

async fn connect(link: Link, wanted: Wanted, first: Duration) -> Result<Connection, ConnectError> {
    let (connection, _) = era::connect(link, wanted, CallLimits::default(), first).await?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use settings::secret_file;

    use super::*;

    #[test]
    fn a_program_gets_the_variables_that_are_named_and_no_secret_of_ours() {
        let pairs = ["HOME", "TOKEN_OF_IT", "OTHER", "JWT_SECRET"];
        let pairs = pairs.map(|name| (name.to_owned(), format!("value of {name}")));
        let environment = Environment::from_pairs(pairs);
        let place = CommandPlace {
            command: vec!["npx".into(), "-y".into(), "files".into()],
            // The last two are refused before, where the section is read.
            environment: vec!["TOKEN_OF_IT".into(), "JWT_SECRET".into(), "UNSET".into()],
            ..CommandPlace::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let place = CommandPlace { secrets: [("KEY".into(), file.clone())].into(), ..place };
        let fault = child_config("files", &place, &environment).unwrap_err();
        assert!(matches!(fault, ProgramError::Unreadable(_)), "{fault}");
        secret_file::write(&file, "of the file\n").unwrap();
        let missing = CommandPlace { missing: vec!["UNSET is not set".into()], ..place.clone() };
        let fault = child_config("files", &missing, &environment).unwrap_err();
        assert_eq!(fault.to_string(), "UNSET is not set");
        let config = child_config("files", &place, &environment).unwrap();
        assert_eq!((config.program, config.arguments.len()), ("npx".into(), 2));
        let shown = format!("{:?}", config.environment);
        assert_eq!(shown, r#"{"HOME", "KEY", "PATH", "TOKEN_OF_IT"}"#);
    }
}
