//! What a run is told: command line, environment, `.env` and defaults, made into one checked whole.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use auth_core::{AccessToken, AccessTokenError, MAX_TOKEN_BYTES};
use outbound::{AuthoritiesError, CertificateAuthorities, OutboundError};
use rmcp::model::Reference;
use settings::{EnvFileError, Environment, Variable};

use crate::{
    args::{Args, Completed, Verb},
    cache::Cache,
    command::{ArgumentError, Arguments, Listening, Request, ToolCall},
    endpoint::{Endpoint, EndpointError},
    oauth::Outward,
    servers::{self, ServersError},
};

mod token;

pub(crate) use token::{TokenSettings, state_folder};

/// The file that is read when none is named.
const ENV_FILE: &str = ".env";
/// The tool that is called when no command is given.
const DEFAULT_TOOL: &str = "get_time";
/// The longest JSON text that is read, in bytes.
const MAX_JSON: u64 = 16 << 20;

/// What a run is told, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) endpoint: Endpoint,
    pub(crate) token: Option<AccessToken>,
    pub(crate) timeout: Duration,
    pub(crate) request: Request,
    /// Where what is no text goes.
    pub(crate) save: Option<PathBuf>,
    /// The tools that were listed lately.
    pub(crate) cache: Cache,
    pub(crate) access: TokenSettings,
    /// Certificate authorities that are trusted besides the system's.
    pub(crate) authorities: CertificateAuthorities,
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
    /// A file cannot be read.
    #[error("{source_name}: {fault}")]
    File {
        /// Which file.
        source_name: String,
        /// What the file system said.
        fault: io::Error,
    },
    /// A file of certificate authorities cannot be used.
    #[error("{source_name}: {fault}")]
    Authorities {
        /// Which file.
        source_name: String,
        /// What is wrong with it.
        fault: AuthoritiesError,
    },
    /// A token, and a way that anybody can listen in on.
    #[error("the token is not sent over plain http to {0}: anybody on the way could read it")]
    PlainHttp(String),
    /// A token of the user's own, and a server that the file in the current folder alone names.
    #[error("the token is not sent to {0}, which nothing but {ENV_FILE} in this folder names")]
    OthersUrl(String),
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
        let (request, save) = requested(args.verb, stdin)?;
        if let Some(path) = args.env_file.as_ref().filter(|path| !path.exists()) {
            return Err(ConfigError::NoEnvFile(path.clone()));
        }
        let env_file = args.env_file.as_deref().unwrap_or(Path::new(ENV_FILE));
        let environment = environment(env_file).map_err(ConfigError::EnvFile)?;

        let authorities = authorities(args.ca_file, args.env_file.is_some(), &environment)?;
        let access = TokenSettings::new(args.access, args.timeout, &environment);
        let (source_name, url) = match &args.url {
            Some(url) => ("--url", url.as_str()),
            None => {
                (Variable::McpUrl.name(), environment.get(Variable::McpUrl).unwrap_or_default())
            }
        };
        let typed = url;
        let url = servers::resolve(typed, access.folder())?;
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
        // Whoever wrote the file that lies here must not get a token that is not in it.
        let names_server = args.url.is_some() || args.env_file.is_some() || url != typed;
        let is_others = !names_server && environment.is_from_file(Variable::McpUrl);
        let is_own = args.token_file.is_some() || !environment.is_from_file(Variable::McpToken);
        if token.is_some() && is_own && is_others && !endpoint.is_loopback() {
            return Err(ConfigError::OthersUrl(endpoint.host().to_owned()));
        }
        let cache = Cache::of(environment.cache_folder().as_deref(), &endpoint);
        let timeout = args.timeout;
        Ok(Self { endpoint, token, timeout, request, save, cache, access, authorities })
    }

    /// The way to what the server names.
    pub(crate) fn outward(&self) -> Result<Outward, OutboundError> {
        Outward::new(&self.endpoint, self.access.args().allow_private, &self.authorities)
    }
}

/// The authorities in the file that is named, if one is. A file that just lies here does not name any.
fn authorities(
    flag: Option<PathBuf>,
    names_file: bool,
    environment: &Environment,
) -> Result<CertificateAuthorities, ConfigError> {
    let is_others = !names_file && environment.is_from_file(Variable::CaFile);
    let set = environment.set_value(Variable::CaFile).filter(|_| !is_others);
    let (name, path) = match (flag, set) {
        (Some(path), _) => ("--ca-file", path),
        (None, Some(path)) => (Variable::CaFile.name(), PathBuf::from(path)),
        (None, None) => return Ok(CertificateAuthorities::default()),
    };
    let source_name = format!("{name} {}", path.display());
    CertificateAuthorities::from_file(&path)
        .map_err(|fault| ConfigError::Authorities { source_name, fault })
}

/// What is asked of the server, and where what comes is saved.
fn requested(
    verb: Option<Verb>,
    stdin: &mut dyn Read,
) -> Result<(Request, Option<PathBuf>), ConfigError> {
    let texts = |texts: &[String]| Arguments::parse(texts, None)?.texts();
    let request = match verb {
        // The other two are done without a server.
        None | Some(Verb::Completions { .. } | Verb::Man) => {
            Request::Call(ToolCall::new(DEFAULT_TOOL))
        }
        // For a token it is only of interest whether the server refuses it: this is least to ask.
        Some(Verb::Tools | Verb::Access(_)) => Request::Tools,
        Some(Verb::Call(call)) => {
            let tool = call.tool.unwrap_or_default();
            if call.help {
                return Ok((Request::ToolHelp(tool), None));
            }
            let object = call.json.map(|text| json_text(text, stdin)).transpose()?;
            let arguments = Arguments::parse(&call.arguments, object.as_deref())?;
            let call_it = Request::Call(ToolCall { tool, arguments, checked: true });
            return Ok((call_it, call.save.path));
        }
        Some(Verb::Resources) => Request::Resources,
        Some(Verb::Read { uri, save }) => return Ok((Request::Read(uri), save.path)),
        Some(Verb::Prompts) => Request::Prompts,
        Some(Verb::Prompt { name, arguments, save }) => {
            let arguments = texts(&arguments)?;
            return Ok((Request::Prompt { name, arguments }, save.path));
        }
        Some(Verb::Complete { of, name, argument, known }) => {
            let of = match of {
                Completed::Prompt => Reference::for_prompt(name),
                Completed::Resource => Reference::for_resource(name),
            };
            let argument = texts(&[argument])?.into_iter().next().unwrap_or_default();
            Request::Complete { of, argument, known: texts(&known)? }
        }
        Some(Verb::Info) => Request::Info,
        Some(Verb::Ping) => Request::Ping,
        Some(Verb::Listen { resources, count }) => Request::Listen(Listening { resources, count }),
    };
    Ok((request, None))
}

/// The text that `--json` means: itself, or what is in a file or stdin.
fn json_text(text: String, stdin: &mut dyn Read) -> Result<String, ConfigError> {
    let mut read = String::new();
    let (name, result) = match text.strip_prefix('@') {
        Some(path) => (path, File::open(path).and_then(|file| limited(file, &mut read))),
        None if text == "-" => ("-", limited(stdin, &mut read)),
        None => return Ok(text),
    };
    let source_name = format!("--json {name}");
    result.map_err(|fault| ConfigError::File { source_name, fault })?;
    Ok(read)
}

fn limited(source: impl Read, text: &mut String) -> io::Result<()> {
    let read = source.take(MAX_JSON).read_to_string(text)?;
    if u64::try_from(read).is_ok_and(|read| read < MAX_JSON) {
        return Ok(());
    }
    Err(io::Error::other("it is too long"))
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
        Err(fault) => Err(ConfigError::File { source_name, fault }),
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
