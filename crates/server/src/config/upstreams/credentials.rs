//! What the gateway presents to a server with a URL, as its section says.
//!
//! | `credentials` | needs | may have |
//! |---|---|---|
//! | `none`, and not set without `secret_file` | – | – |
//! | `secret`, and not set with `secret_file` | `secret_file` | `header` |
//! | `minted` | an authorization server in this process | `audience` |
//! | `client` | `token_endpoint`, `client_id`, `secret_file` | `client_authentication`, `scopes`, `token_resource` |
//! | `exchange` | the same, and an authorization server in this process | the same, `audience`, `token_issuer` |
//!
//! Any other member is an error, as it would do nothing.

use std::path::{Path, PathBuf};

use auth_core::{Audience, Issuer, ScopeSet};
use issuer_setup::Section;
use settings::Environment;
use upstream::{
    credentials::{HeaderFile, IdentityHeaders, SecretMethod, TokenEndpointUrl},
    http::UpstreamUrl,
};

use crate::{args::RunArgs, config::local_issuer::signing_here};

/// What the gateway presents to a server with a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presented {
    /// Nothing.
    Nothing,
    /// A header from a secret file.
    Secret(SecretHeader),
    /// A token for the caller, minted here.
    Minted {
        /// Who it is for.
        audience: Audience,
        /// Who signs it.
        minting: Minting,
    },
    /// The gateway's own token.
    Client(ClientPlace),
    /// A token for the caller, exchanged for one that is minted here.
    Exchange {
        /// Where.
        place: ClientPlace,
        /// Who signs the subject token.
        minting: Minting,
        /// Who the subject token is for: the authorization server.
        issuer: Audience,
        /// What the authorization server calls the server.
        audience: Option<String>,
    },
}

impl Presented {
    /// Whether it depends on who calls.
    pub(super) const fn is_per_caller(&self) -> bool {
        matches!(self, Self::Minted { .. } | Self::Exchange { .. })
    }
}

/// A header whose value is in a secret file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretHeader {
    /// Its name; `None`: `Authorization`, with `Bearer ` before the secret.
    pub(crate) name: Option<String>,
    /// The file with the secret.
    pub(crate) file: PathBuf,
}

/// The issuer that signs in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Minting {
    /// Its name.
    pub(crate) issuer: Issuer,
    /// The folder of its keys.
    pub(crate) keys: PathBuf,
}

impl Minting {
    /// The issuer that signs in the process of `environment`, if one does.
    pub(super) fn of(args: &RunArgs, environment: &Environment) -> Option<Self> {
        let (issuer, keys) = signing_here(args, environment)?;
        Some(Self { issuer, keys })
    }
}

/// A token endpoint, and the gateway as a client of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientPlace {
    /// Where it is.
    pub(crate) url: TokenEndpointUrl,
    /// The client id.
    pub(crate) id: String,
    /// The file with the secret.
    pub(crate) secret: PathBuf,
    /// Where the secret is in a request.
    pub(crate) method: SecretMethod,
    /// The scopes that are asked for; `None`: of an exchange those of the action.
    pub(crate) scopes: Option<ScopeSet>,
    /// The resource that is asked for (RFC 8707).
    pub(crate) resource: Option<String>,
}

/// The members that say what is presented.
pub(super) const MEMBERS: [&str; 11] = [
    "credentials",
    "secret_file",
    "header",
    "audience",
    "token_endpoint",
    "token_issuer",
    "token_resource",
    "client_id",
    "client_authentication",
    "scopes",
    "identity",
];

const ISSUER_NEEDED: &str = "the gateway mints tokens with the key of the authorization server in \
                             its process, and there is none: SIGN_IN says why";

/// What is presented to the server at `url`. `minting` is the issuer that signs here, if one does.
pub(super) fn presented(
    section: &mut Section,
    folder: &Path,
    url: Option<&UpstreamUrl>,
    minting: Option<&Minting>,
) -> Option<Presented> {
    let kind = section.text("credentials");
    let default = if section.has("secret_file") { "secret" } else { "none" };
    let kind = kind.as_deref().unwrap_or(default);
    let members: &[&str] = match kind {
        "none" => &[],
        "secret" => &["secret_file", "header"],
        "minted" => &["audience"],
        "client" => &MEMBERS_OF_CLIENT,
        "exchange" => &MEMBERS_OF_EXCHANGE,
        other => {
            take_all(section, &[]);
            return section.none(format!(
                "credentials {other:?}: write none, secret, minted, client or exchange"
            ));
        }
    };
    for name in MEMBERS {
        let is_other = !matches!(name, "credentials" | "identity") && !members.contains(&name);
        if is_other && section.take(name).is_some() {
            match (name, kind) {
                ("header", "none") => section.fault("header: write secret_file too"),
                _ => section.fault(format!("{name} is not for credentials {kind:?}")),
            }
        }
    }
    let minting = || minting.cloned().ok_or(ISSUER_NEEDED);
    match kind {
        "secret" => secret(section, folder).map(Presented::Secret),
        "minted" => {
            let audience = section.text("audience").or_else(|| url.map(ToString::to_string));
            let audience = audience.and_then(|it| section.parsed("audience", &it));
            let minting = minting().map_err(|fault| section.fault(format!("credentials: {fault}")));
            Some(Presented::Minted { audience: audience?, minting: minting.ok()? })
        }
        "client" => client(section, folder).map(Presented::Client),
        "exchange" => {
            let audience = section.text("audience");
            let issuer = section.text("token_issuer");
            let place = client(section, folder);
            let minting = minting().map_err(|fault| section.fault(format!("credentials: {fault}")));
            let place = place?;
            let issuer = issuer.unwrap_or_else(|| place.url.to_string());
            let issuer = section.parsed("token_issuer", &issuer)?;
            Some(Presented::Exchange { place, minting: minting.ok()?, issuer, audience })
        }
        _ => Some(Presented::Nothing),
    }
}

const MEMBERS_OF_CLIENT: [&str; 6] = [
    "token_endpoint",
    "client_id",
    "client_authentication",
    "secret_file",
    "scopes",
    "token_resource",
];
const MEMBERS_OF_EXCHANGE: [&str; 8] = [
    "token_endpoint",
    "client_id",
    "client_authentication",
    "secret_file",
    "scopes",
    "token_resource",
    "audience",
    "token_issuer",
];

/// Takes what is not looked at, so that it is no unknown member.
fn take_all(section: &mut Section, but: &[&str]) {
    for name in MEMBERS.iter().filter(|name| !but.contains(name)) {
        section.take(name);
    }
}

fn secret(section: &mut Section, folder: &Path) -> Option<SecretHeader> {
    let name = section.text("header");
    if let Some(Err(fault)) = name.as_deref().map(HeaderFile::check_name) {
        section.fault(format!("header: {fault}"));
    }
    let file = section.text("secret_file").filter(|it| !it.is_empty());
    match file {
        Some(file) => Some(SecretHeader { name, file: folder.join(file) }),
        None => section.none("credentials \"secret\": write secret_file too"),
    }
}

fn client(section: &mut Section, folder: &Path) -> Option<ClientPlace> {
    let mut needed = |name: &str| {
        let text = section.text(name).filter(|it| !it.is_empty());
        text.or_else(|| section.none(format!("{name} is missing: these credentials need it")))
    };
    let (endpoint, id) = (needed("token_endpoint"), needed("client_id"));
    let secret = needed("secret_file");
    let method = match section.text("client_authentication").as_deref() {
        None | Some("basic") => SecretMethod::Basic,
        Some("post") => SecretMethod::Post,
        Some(other) => {
            section.fault(format!("client_authentication {other:?}: write basic or post"));
            SecretMethod::Basic
        }
    };
    let scopes = section.list::<auth_core::Scope>("scopes").map(ScopeSet::from_iter);
    let resource = section.text("token_resource");
    // It is not shown: its query may hold a key.
    let url = endpoint.and_then(|it| match it.parse() {
        Ok(url) => Some(url),
        Err::<TokenEndpointUrl, _>(fault) => section.none(format!("token_endpoint: {fault}")),
    });
    let secret = folder.join(secret?);
    Some(ClientPlace { url: url?, id: id?, secret, method, scopes, resource })
}

/// The headers that say who calls.
pub(super) fn identity(section: &mut Section, presented: Option<&Presented>) -> IdentityHeaders {
    let mut headers = IdentityHeaders::none();
    let Some(table) = section.table("identity") else { return headers };
    if table.is_empty() {
        section.fault("identity: name a header for issuer, subject, client or scopes");
    }
    let mut inner = section.inner("identity", table);
    let mut names: Vec<String> = match presented {
        Some(Presented::Nothing) | None => Vec::new(),
        Some(Presented::Secret(SecretHeader { name: Some(name), .. })) => vec![name.clone()],
        Some(_) => vec!["authorization".to_owned()],
    };
    for member in ["issuer", "subject", "client", "scopes"] {
        let Some(name) = inner.text(member) else { continue };
        if names.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
            inner.fault(format!("{member}: the header {name} has another value already"));
            continue;
        }
        let with = headers.clone();
        let with = match member {
            "issuer" => with.issuer(&name),
            "subject" => with.subject(&name),
            "client" => with.client(&name),
            _ => with.scopes(&name),
        };
        match with {
            Ok(with) => headers = with,
            Err(fault) => inner.fault(format!("{member}: {fault}")),
        }
        names.push(name);
    }
    section.adopt(inner);
    headers
}
