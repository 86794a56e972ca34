//! The MCP servers behind the gateway: the sections `[upstreams.NAME]` of `bartizan.toml`, or one
//! server from the command line.
//!
//! 1. A section is one server. It is reached by `command` or by `url`.
//! 2. Each is a protected resource of its own: `resource`, else the origin of `MCP_RESOURCE` with
//!    `path`, else with `/mcp/NAME`.
//! 3. Its policy is `policy`, else `NAME.policy.toml` beside `bartizan.toml`. Its lock file is
//!    beside that.
//! 4. No secret is in the file: it names the variable or the file that holds one.
//! 5. What the environment lacks is no error before a server is started: the policy of a section
//!    can be checked where its variables are not.
//! 6. An unknown member is an error. All errors of all sections are reported together.
//! 7. Relative paths start at the file's own folder.

mod credentials;
mod name;
mod place;
mod schema;
mod section;

use std::{collections::BTreeMap, path::PathBuf};

use auth_core::ResourceUri;
use upstream::{
    credentials::IdentityHeaders,
    http::{UpstreamUrl, UpstreamUrlError},
    pool::PoolConfig,
};

pub(crate) use self::{
    credentials::{ClientPlace, Minting, Presented, SecretHeader},
    name::{UpstreamName, name_of_command, name_of_url},
    schema::section_schema,
    section::{described, load},
};

/// An MCP server behind the gateway, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpstreamConfig {
    /// What it is called.
    pub(crate) name: UpstreamName,
    /// The protected resource that it is.
    pub(crate) resource: ResourceUri,
    /// Where it is.
    pub(crate) place: UpstreamPlace,
    /// Whose its servers are, and how long an unused one is kept.
    pub(crate) pool: PoolConfig,
    /// Whether it may ask clients for their folders (`roots`).
    pub(crate) roots: bool,
    /// The policy file.
    pub(crate) policy: PathBuf,
    /// The lock file.
    pub(crate) lock: PathBuf,
}

/// Where an MCP server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpstreamPlace {
    /// A program that is started and speaks over stdin and stdout.
    Command(CommandPlace),
    /// A server over HTTP.
    Url(Box<UrlPlace>),
}

/// A program that is started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CommandPlace {
    /// The program and its arguments. They are not shown, as they may hold secrets.
    pub(crate) command: Vec<String>,
    /// Where it runs; `None`: where the gateway does.
    pub(crate) directory: Option<PathBuf>,
    /// The variables of the gateway that it gets too.
    pub(crate) environment: Vec<String>,
    /// More of its variables, each with the file that holds its value.
    pub(crate) secrets: BTreeMap<String, PathBuf>,
    /// What this process lacks of [`Self::environment`]: one message each.
    pub(crate) missing: Vec<String>,
    /// The memory that it may use, in bytes; `None`: any.
    pub(crate) max_memory: Option<u64>,
}

/// A server over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UrlPlace {
    /// Its address.
    pub(crate) url: UpstreamUrl,
    /// A PEM file with the authorities that its certificate is verified by too; `None`: those of
    /// `CA_FILE`.
    pub(crate) ca: Option<PathBuf>,
    /// What the gateway presents to it.
    pub(crate) presented: Presented,
    /// The headers that say who calls.
    pub(crate) identity: IdentityHeaders,
}

impl UrlPlace {
    /// The server at `url`, to which nothing is presented. Plain http to a host that is no loopback
    /// one is an error unless `is_plain_http`.
    pub(crate) fn new(url: &str, is_plain_http: bool) -> Result<Self, UpstreamUrlError> {
        let url = if is_plain_http {
            UpstreamUrl::parse_with_plain_http(url)
        } else {
            UpstreamUrl::parse(url)
        };
        let identity = IdentityHeaders::none();
        Ok(Self { url: url?, ca: None, presented: Presented::Nothing, identity })
    }

    /// Whether what is presented to it depends on who calls.
    pub(crate) fn is_per_caller(&self) -> bool {
        self.presented.is_per_caller() || self.identity != IdentityHeaders::none()
    }
}

impl UpstreamConfig {
    /// What its program is to get and this process has not: one message each.
    pub(crate) fn missing(&self) -> &[String] {
        match &self.place {
            UpstreamPlace::Command(place) => &place.missing,
            UpstreamPlace::Url(_) => &[],
        }
    }

    /// The lock file that belongs to the policy file of the server `name`.
    pub(crate) fn lock_beside(policy: &std::path::Path, name: &UpstreamName) -> PathBuf {
        policy.with_file_name(format!("{name}.lock.json"))
    }
}
