//! The configuration of a run: command line, environment, `.env` and defaults, checked as a whole.
//!
//! 1. A flag beats the environment, which beats `.env`, which beats the default.
//! 2. A token goes to https, or to this machine.
//! 3. A `.env` that only lies in the current folder names no server for a token of the user's own,
//!    no certificate authority and no client certificate.

mod certificate;
mod error;
mod request;
mod token;

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use auth_core::{AccessToken, Clock, MAX_TOKEN_BYTES};
use outbound::{CertificateAuthorities, OutboundError};
use serde_json::Value;
use settings::{EnvFileError, Environment, Variable, regular_file};
use terminal::Invocation;
use url::Url;

use crate::{
    args::Args,
    cache::Cache,
    connect::Target,
    endpoint::Endpoint,
    failure::{Context, Operation, PresentedCertificate, SentToken, is_plain},
    jwt,
    oauth::{KnownServer, Outward},
    request::Request,
    servers,
    tls::{OwnCertificate, Tls},
};

pub(crate) use error::ConfigError;
pub(crate) use token::{TokenSettings, state_folder};

/// The file that is read when none is named.
const ENV_FILE: &str = ".env";

/// The configuration of a run.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) endpoint: Endpoint,
    /// The token that the user gives; a stored one is not here.
    pub(crate) token: Option<AccessToken>,
    pub(crate) timeout: Duration,
    pub(crate) request: Request,
    /// The file or folder for what is not text in an answer.
    pub(crate) save: Option<PathBuf>,
    /// The tools that were listed a short while ago.
    pub(crate) cache: Cache,
    /// How tokens are obtained and stored.
    pub(crate) tokens: TokenSettings,
    /// Certificate authorities that are trusted besides the system's.
    authorities: CertificateAuthorities,
    /// The certificate that is presented to the server, if it asks for one.
    certificate: Option<OwnCertificate>,
    /// ` --url URL`, if it was given as a flag: what a command needs that goes to this server.
    pub(crate) server_flag: String,
    /// The audience of tokens that are minted without naming one (`MCP_RESOURCE`).
    minted_for: String,
    /// The issuer of tokens that are minted here (`JWT_ISSUER`).
    minted_by: String,
    /// What time it is.
    pub(crate) clock: Arc<dyn Clock>,
    /// How this program was called, and so how commands are printed.
    pub(crate) invocation: Invocation,
}

impl Config {
    /// Puts flags over environment over `.env` over defaults, and checks the result.
    pub(crate) fn resolve(
        args: Args,
        environment: impl FnOnce(&Path) -> Result<Environment, EnvFileError>,
        stdin: &mut dyn Read,
        clock: Arc<dyn Clock>,
        invocation: Invocation,
    ) -> Result<Self, ConfigError> {
        let (request, save) = request::requested(args.verb, stdin)?;
        if let Some(path) = args.env_file.as_ref().filter(|path| !path.exists()) {
            return Err(ConfigError::NoEnvFile(path.clone()));
        }
        let env_file = args.env_file.as_deref().unwrap_or(Path::new(ENV_FILE));
        let environment = environment(env_file).map_err(ConfigError::EnvFile)?;

        let names_file = args.env_file.is_some();
        let authorities = authorities(args.ca_file, names_file, &environment)?;
        let files = (args.client_cert, args.client_key);
        let certificate = certificate::certificate(files, names_file, &environment)?;
        let tokens = TokenSettings::new(args.tokens, args.timeout, &environment);
        let (source_name, url) = match &args.url {
            Some(url) => ("--url", url.as_str()),
            None => {
                (Variable::McpUrl.name(), environment.get(Variable::McpUrl).unwrap_or_default())
            }
        };
        let typed = url;
        // Hints are for a shell.
        let flag = args.url.as_ref().filter(|url| url.chars().all(|c| c != ' ' && is_plain(c)));
        let server_flag = flag.map_or_else(String::new, |url| format!(" --url {url}"));
        let url = servers::resolve(typed, tokens.folder())?;
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
        // The author of a file in this folder must not get a token that is not in that file.
        let names_server = args.url.is_some() || args.env_file.is_some() || url != typed;
        let is_others = !names_server && environment.is_from_file(Variable::McpUrl);
        let is_own = args.token_file.is_some() || !environment.is_from_file(Variable::McpToken);
        if token.is_some() && is_own && is_others && !endpoint.is_loopback() {
            return Err(ConfigError::ServerFromFolder(endpoint.host().to_owned()));
        }
        if certificate.is_some() && is_others && endpoint.is_https() && !endpoint.is_loopback() {
            return Err(ConfigError::CertificateFromFolder(endpoint.host().to_owned()));
        }
        let folder = environment.cache_folder();
        let cache = Cache::of(folder.as_deref(), &endpoint, Arc::clone(&clock));
        let timeout = args.timeout;
        let minted = |variable| environment.get(variable).unwrap_or_default().to_owned();
        let (minted_for, minted_by) = (minted(Variable::McpResource), minted(Variable::JwtIssuer));
        Ok(Self {
            endpoint,
            token,
            timeout,
            request,
            save,
            cache,
            tokens,
            authorities,
            certificate,
            server_flag,
            minted_for,
            minted_by,
            clock,
            invocation,
        })
    }

    /// The client for the addresses that the server names.
    pub(crate) fn outward(&self) -> Result<Outward, OutboundError> {
        Outward::new(&self.endpoint, self.tokens.args().allow_private, self.tls())
    }

    /// What connections use of TLS.
    pub(crate) fn tls(&self) -> Tls<'_> {
        let certificate = self.certificate.as_ref().map(|own| &own.certificate);
        Tls { authorities: &self.authorities, certificate }
    }

    /// The same for another server: the certificate is for the origin of the configured one alone.
    pub(crate) fn tls_for(&self, other: &Endpoint) -> Tls<'_> {
        let is_same = other.url().origin() == self.endpoint.url().origin();
        let Tls { authorities, certificate } = self.tls();
        Tls { authorities, certificate: certificate.filter(|_| is_same) }
    }

    /// The server, to be reached with this token.
    pub(crate) fn target<'a>(&'a self, token: Option<&'a AccessToken>) -> Target<'a> {
        Target { endpoint: &self.endpoint, tls: self.tls(), token }
    }

    /// What a failure has to know of a run with this token.
    pub(crate) fn context(&self, token: Option<&AccessToken>) -> Context {
        let scopes = |token| jwt::scopes(&jwt::unverified_claims(token)?);
        Context {
            endpoint: self.endpoint.clone(),
            timeout: self.timeout,
            token: token.map_or(SentToken::None, |token| SentToken::Sent(scopes(token))),
            expired: token.and_then(|token| {
                let (date, now) = (jwt::expiry(&jwt::unverified_claims(token)?)?, self.clock.now());
                (date <= now).then(|| terminal::date::distance(date, now))
            }),
            subject: token.and_then(|token| {
                let claims = jwt::unverified_claims(token)?;
                let subject = claims.get("sub")?.as_str()?;
                let default = Variable::TokenSubject.setting().default;
                (default != Some(subject)).then(|| subject.to_owned())
            }),
            audience: self.audience(token),
            elsewhere: None,
            binding: token.and_then(|token| jwt::binding(&jwt::unverified_claims(token)?)),
            certificate: self.certificate.as_ref().map(|own| PresentedCertificate {
                file: own.path.display().to_string(),
                thumbprint: own.certificate.thumbprint().to_string(),
            }),
            is_for_server: false,
            takes_minted: false,
            server_flag: self.server_flag.clone(),
            operation: Operation {
                description: self.request.description(),
                listing_hint: self.request.listing_hint(&self.server_flag),
            },
        }
    }

    /// The same at a server whose metadata are known.
    pub(crate) fn context_at(&self, known: &KnownServer, token: Option<&AccessToken>) -> Context {
        let resource = known.name.as_str();
        let claims = token.and_then(jwt::unverified_claims);
        let named = claims.as_ref().and_then(|claims| jwt::strings(claims.get("aud")));
        let is_for_server = named.as_ref().is_some_and(|named| named.contains(&resource));
        let elsewhere = named.filter(|_| !is_for_server);
        Context {
            audience: (resource != self.minted_for).then(|| resource.to_owned()),
            is_for_server,
            takes_minted: self.endpoint.is_loopback() && known.issuers.contains(&self.minted_by),
            elsewhere: elsewhere.map(|named| named.join(", ")),
            ..self.context(token)
        }
    }

    /// The audience of [`Context`]: what the token names, with the path of this server. Without a
    /// token it is known of this machine's servers alone.
    fn audience(&self, token: Option<&AccessToken>) -> Option<String> {
        let default = self.minted_for.as_str();
        let claims = token.and_then(jwt::unverified_claims);
        let named = claims.as_ref().and_then(|claims| match claims.get("aud")? {
            Value::Array(many) => many.first()?.as_str(),
            one => one.as_str(),
        });
        let named = named.or_else(|| self.endpoint.is_loopback().then_some(default))?;
        let mut url = Url::parse(named).ok()?;
        if url.path() == self.endpoint.path() {
            return (named != default).then(|| named.to_owned());
        }
        url.set_path(self.endpoint.path());
        Some(url.into()).filter(|wanted: &String| wanted != default)
    }
}

/// The authorities in the file that is named, if one is. A `.env` in the current folder names none.
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
    let pem = regular_file::read(&path, regular_file::MAX_BYTES).map_err(Into::into);
    pem.and_then(|pem| CertificateAuthorities::from_pem(&pem))
        .map_err(|fault| ConfigError::Authorities { source_name, fault })
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
    use auth_core::SystemClock;
    use clap::Parser;
    use terminal::Program;

    use super::*;

    fn resolve(args: &[&str], pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let args = Args::try_parse_from([&["client"], args].concat()).unwrap();
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = Environment::from_pairs(pairs);
        let invocation = Invocation::workspace(Program::Client);
        let stdin = &mut b" from-stdin\n".as_slice();
        Config::resolve(args, |_| Ok(environment), stdin, Arc::new(SystemClock), invocation)
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
    fn a_certificate_is_for_the_origin_of_the_server_alone() {
        let made = rcgen::generate_simple_self_signed(["me".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("both.pem");
        let text = format!("{}{}", made.cert.pem(), made.signing_key.serialize_pem());
        settings::secret_file::write(&path, &text).unwrap();
        let path = path.to_str().unwrap();
        let args = ["--url", "https://a.example/mcp", "--client-cert", path];
        let config = resolve(&args, &[]).unwrap();
        for (other, expected) in [
            ("https://a.example/other", true),
            ("https://a.example:8443/mcp", false),
            ("https://b.example/mcp", false),
            ("http://a.example/mcp", false),
        ] {
            let other = Endpoint::parse(other).unwrap();
            assert_eq!(config.tls_for(&other).certificate.is_some(), expected, "{other}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_once_there_is_a_token() {
        let far = ["--url", "http://mcp.example/mcp"];
        assert!(resolve(&far, &[]).is_ok());
        let fault = resolve(&far, &[("MCP_TOKEN", "abc")]).unwrap_err();
        assert!(matches!(fault, ConfigError::PlainHttp(_)));
    }

    #[test]
    fn tokens_that_are_minted_here_are_for_servers_of_the_same_issuer_on_this_machine() {
        let (here, there) = ("http://localhost:1/mcp", "https://mcp.example/mcp");
        let (ours, other) = ("http://localhost:8000", "http://localhost:9000");
        let takes_minted = |url: &str, issuer: &str, pairs: &[(&str, &str)]| {
            let config = resolve(&["--url", url], pairs).unwrap();
            let known = KnownServer { name: url.to_owned(), issuers: vec![issuer.to_owned()] };
            config.context_at(&known, None).takes_minted
        };
        assert!(takes_minted(here, ours, &[]));
        assert!(!takes_minted(here, other, &[]));
        assert!(!takes_minted(there, ours, &[]));
        assert!(takes_minted(here, other, &[("JWT_ISSUER", other)]));
        assert!(!takes_minted(here, ours, &[("JWT_ISSUER", other)]));
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
