//! What a run is told: command line, environment, `.env` and defaults, made into one checked whole.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use auth_core::{AccessToken, AccessTokenError, MAX_TOKEN_BYTES};
use settings::{EnvFileError, Environment, Variable};

use crate::{
    access,
    args::{Args, Verb},
    command::{ArgumentError, Request, ToolCall},
    endpoint::{Endpoint, EndpointError},
    servers::{self, ServersError},
};

/// The file that is read when none is named.
const ENV_FILE: &str = ".env";
/// The tool that is called when no command is given.
const DEFAULT_TOOL: &str = "get_time";

/// What a run is told, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) endpoint: Endpoint,
    pub(crate) token: Option<AccessToken>,
    pub(crate) timeout: Duration,
    pub(crate) request: Request,
    pub(crate) access: access::Settings,
}

/// Why a run cannot begin. No variant shows a byte of the token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The `.env` file.
    #[error("{0}")]
    EnvFile(EnvFileError),
    /// `--env-file` names a file that is not there.
    #[error("--env-file {0}: there is no such file")]
    NoEnvFile(PathBuf),
    /// `--url` or `MCP_URL`.
    #[error("{source_name} {fault}")]
    Url {
        /// Where it came from.
        source_name: &'static str,
        /// What is wrong with it.
        fault: EndpointError,
    },
    /// `MCP_TOKEN` or the token file holds no token.
    #[error("{source_name}: {fault}")]
    Token {
        /// Where it came from.
        source_name: String,
        /// What is wrong with it.
        fault: AccessTokenError,
    },
    /// The token file cannot be read.
    #[error("{source_name}: {fault}")]
    TokenFile {
        /// Which file.
        source_name: String,
        /// What the file system said.
        fault: io::Error,
    },
    /// A token, and a way that anybody can listen in on.
    #[error("the token is not sent over plain http to {0}: anybody on the way could read it")]
    PlainHttp(String),
    /// An argument of `call`.
    #[error(transparent)]
    Argument(#[from] ArgumentError),
    /// A name for a server.
    #[error(transparent)]
    Servers(#[from] ServersError),
}

impl Config {
    /// Puts flags over environment over `.env` over defaults, and checks the result.
    pub(crate) fn resolve(
        args: Args,
        environment: impl FnOnce(&Path) -> Result<Environment, EnvFileError>,
        stdin: &mut dyn Read,
    ) -> Result<Self, ConfigError> {
        let request = match args.verb {
            Some(Verb::Tools) => Request::Tools,
            Some(Verb::Call { tool, arguments }) => {
                Request::Call(ToolCall::parse(tool, &arguments)?)
            }
            // What is least to ask: it is only of interest whether the server refuses it.
            Some(Verb::Access(_)) => Request::Tools,
            None => Request::Call(ToolCall::new(DEFAULT_TOOL)),
        };
        if let Some(path) = args.env_file.as_ref().filter(|path| !path.exists()) {
            return Err(ConfigError::NoEnvFile(path.clone()));
        }
        let env_file = args.env_file.as_deref().unwrap_or(Path::new(ENV_FILE));
        let environment = environment(env_file).map_err(ConfigError::EnvFile)?;

        let access = access::Settings::new(args.access, &environment);
        let (source_name, url) = match &args.url {
            Some(url) => ("--url", url.as_str()),
            None => {
                (Variable::McpUrl.name(), environment.get(Variable::McpUrl).unwrap_or_default())
            }
        };
        let url = servers::resolve(url, access.folder())?;
        let endpoint =
            Endpoint::parse(&url).map_err(|fault| ConfigError::Url { source_name, fault })?;
        let token = match &args.token_file {
            Some(path) => Some(token_from_file(path, stdin)?),
            None => environment
                .set_value(Variable::McpToken)
                .map(|text| token_from(text, Variable::McpToken.name()))
                .transpose()?,
        };
        if token.is_some() && !endpoint.keeps_secrets() {
            return Err(ConfigError::PlainHttp(endpoint.host().to_owned()));
        }
        Ok(Self { endpoint, token, timeout: args.timeout, request, access })
    }
}

fn token_from(text: &str, source_name: &str) -> Result<AccessToken, ConfigError> {
    text.parse().map_err(|fault| ConfigError::Token { source_name: source_name.to_owned(), fault })
}

/// The token in a file, with white space around it: editors and `echo` put a newline at the end.
fn token_from_file(path: &Path, stdin: &mut dyn Read) -> Result<AccessToken, ConfigError> {
    let source_name = format!("--token-file {}", path.display());
    // One byte more than fits shows that it does not; some for the white space.
    let limit = u64::try_from(MAX_TOKEN_BYTES).unwrap_or(u64::MAX) + 64;
    let mut text = String::new();
    let read = if path == Path::new("-") {
        stdin.take(limit).read_to_string(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text))
    };
    match read {
        Ok(_) => token_from(text.trim(), &source_name),
        Err(fault) => Err(ConfigError::TokenFile { source_name, fault }),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn resolve(args: &[&str], pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let args = Args::try_parse_from([&["client"], args].concat()).unwrap();
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::from_pairs(pairs);
        Config::resolve(args, |_| Ok(environment), &mut b" from-stdin\n".as_slice())
    }

    #[test]
    fn a_flag_beats_the_environment_which_beats_the_default() {
        let url = |config: Config| config.endpoint.to_string();
        assert_eq!(url(resolve(&[], &[]).unwrap()), "http://localhost:8000/mcp");
        let set = [("MCP_URL", "http://localhost:1/mcp")];
        assert_eq!(url(resolve(&[], &set).unwrap()), "http://localhost:1/mcp");
        let flag = ["--url", "http://localhost:2/mcp"];
        assert_eq!(url(resolve(&flag, &set).unwrap()), "http://localhost:2/mcp");
    }

    #[test]
    fn the_token_comes_from_the_environment_or_a_file() {
        let token = |config: Config| config.token.map(|token| token.expose().to_owned());
        let set = [("MCP_TOKEN", "from-env")];
        assert_eq!(token(resolve(&[], &[]).unwrap()), None);
        assert_eq!(token(resolve(&[], &set).unwrap()).as_deref(), Some("from-env"));
        assert_eq!(
            token(resolve(&["--token-file", "-"], &set).unwrap()).as_deref(),
            Some("from-stdin")
        );
    }

    #[test]
    fn plain_http_is_for_this_machine_once_there_is_a_token() {
        let far = ["--url", "http://mcp.example/mcp"];
        assert!(resolve(&far, &[]).is_ok());
        let fault = resolve(&far, &[("MCP_TOKEN", "abc")]).unwrap_err();
        assert!(matches!(fault, ConfigError::PlainHttp(_)));
    }

    #[test]
    fn a_bad_token_is_named_but_not_shown() {
        let fault = resolve(&[], &[("MCP_TOKEN", "Bearer hushhush")]).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "MCP_TOKEN: the token has a character that is not allowed in a bearer token"
        );
    }
}
