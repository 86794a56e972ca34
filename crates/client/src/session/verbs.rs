//! `login`, `logout`, `status`, and the other verbs that call no tool.

use std::fmt::Write as _;

use auth_core::{Challenge, NumericDate};
use serde_json::{Value, json};

use super::{lookup, now, rfc3339};
use crate::{
    Exit,
    args::{AccessVerb, GrantArg, LoginArgs},
    command,
    config::Config,
    console::Console,
    diagnose,
    endpoint::Endpoint,
    failure::Failure,
    interrupt,
    oauth::{
        Before, Discovered, Enterprise, LoginError, Outward, by_client_credentials, by_code,
        by_device, by_enterprise, by_workload, read_secret, revoke,
    },
    output::Printer,
    sanitize::Screen,
    servers,
    store::{Client, Entry, Grant, Listed, Place, Removed, Store, Summary},
};

/// What such a verb has to say: for a person, and for a program.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) text: String,
    pub(crate) json: Value,
    /// Whether the text is clean already, and has colours in it.
    pub(crate) is_clean: bool,
    /// Whether something is wrong that the exit code must tell.
    pub(crate) fault: Option<Box<Failure>>,
}

impl Report {
    /// A report that all is well.
    pub(crate) fn new(text: String, json: Value) -> Self {
        Self { text, json, is_clean: false, fault: None }
    }
}

/// Does what a verb says.
pub(crate) async fn perform(
    verb: &AccessVerb,
    config: &mut Config,
    console: &Console,
    printer: &mut Printer<'_>,
) -> Result<Report, Failure> {
    printer.hide(config.token.as_ref());
    match verb {
        AccessVerb::Login(args) => login(args, config, console, printer).await,
        AccessVerb::Logout { all } => logout(*all, config).await,
        AccessVerb::Status => status(config),
        AccessVerb::Explain { tool } => {
            Ok(diagnose::examine(config, tool.as_deref(), console, printer).await)
        }
        AccessVerb::Servers { verb } => servers::perform(verb, config.access.folder())
            .await
            .map_err(|error| Failure::servers(&error)),
    }
}

async fn login(
    args: &LoginArgs,
    config: &mut Config,
    console: &Console,
    printer: &mut Printer<'_>,
) -> Result<Report, Failure> {
    let Some(store) = config.access.store() else {
        return Err(Failure::usage(
            "there is no folder to keep a token in: neither XDG_STATE_HOME nor HOME is set",
        ));
    };
    if !config.endpoint.keeps_secrets() {
        return Err(Failure::login(&LoginError::PlainHttp, config));
    }
    // The server's own 401 says where to go and what for; a given token would hide it.
    config.token = None;
    let challenge = match command::run(config, console, printer).await {
        // Nobody there: its metadata would not be there either.
        Err(failure) if failure.exit() == Exit::Unreachable => return Err(failure),
        Err(failure) => failure.challenge().cloned(),
        Ok(_) => None,
    };
    // Boxed: it is large, and the select would hold it twice.
    let work = Box::pin(get(args, config, challenge.as_ref()));
    let got = interrupt::or_cancelled(work).await;
    if let Err(LoginError::TooLate(_) | LoginError::Cancelled) = &got {
        lookup::doubt(config).await;
    }
    let entry = got.map_err(|error| Failure::login(&error, config))?;
    config.token = entry.token();
    printer.hide(config.token.as_ref());
    let mut text = format!("signed in at {} for {}\n", entry.issuer, entry.server);
    let listed = store.list().map_err(|error| Failure::store(&error))?;
    let listed = listed.into_iter().find(|listed| listed.summary.key == entry.key());
    if let Some(listed) = &listed {
        text.push_str(&details(listed, Some(&store)));
    }
    Ok(Report::new(text, json!({ "token": listed })))
}

async fn get(
    args: &LoginArgs,
    config: &Config,
    challenge: Option<&Challenge>,
) -> Result<Entry, LoginError> {
    let access = &config.access;
    let outward = config.outward()?;
    let exceptions = access.args().exceptions();
    let found = Discovered::at(&config.endpoint, challenge, exceptions, &outward).await?;
    let identity = access.identity()?;
    let wanted = access.args().scope.as_ref();
    let stored = match access.store() {
        Some(store) => store.find(config.endpoint.as_str()).await.map_err(LoginError::Store)?,
        None => None,
    };
    let known = stored.filter(|entry| entry.issuer == found.facts.issuer).map(|entry| entry.client);
    let known = known.as_ref();
    let grant = if args.device { GrantArg::Device } else { args.grant };
    let entry = match grant {
        GrantArg::Browser => {
            let before = Before { client: known, is_checked: true };
            by_code(found, &identity, wanted, before, &access.answering(), &outward).await
        }
        GrantArg::Device => by_device(found, &identity, wanted, known, &outward).await,
        GrantArg::ClientCredentials => {
            let client = named(&identity, "client-credentials")?;
            let grant = match &args.private_key_file {
                Some(file) => Grant::PrivateKey {
                    file: std::path::absolute(file)
                        .map_err(|fault| LoginError::File(file.clone(), fault))?,
                    algorithm: args.signing_algorithm.clone(),
                },
                None => Grant::ClientSecret,
            };
            let secret = client.secret.clone();
            let entry = by_client_credentials(found, client, grant, wanted, &outward).await;
            entry.map_err(|error| error.without(secret.as_deref()))
        }
        GrantArg::Workload => {
            let client = named(&identity, "workload")?;
            let file = needed(args.assertion_file.as_ref(), "workload", "--assertion-file")?;
            let file =
                std::path::absolute(file).map_err(|fault| LoginError::File(file.clone(), fault))?;
            let secrets = [read_secret(&file)?, client.secret.clone().unwrap_or_default()];
            let entry = by_workload(found, client, file, wanted, &outward).await;
            entry.map_err(|error| error.without(secrets.iter().map(String::as_str)))
        }
        GrantArg::Enterprise => {
            let client = named(&identity, "enterprise")?;
            let enterprise = enterprise(args)?;
            let secret = client.secret.clone();
            let entry = by_enterprise(found, client, &enterprise, wanted, &outward).await;
            let secrets = [Some(enterprise.id_token), enterprise.client_secret, secret];
            entry.map_err(|error| error.without(secrets.iter().flatten().map(String::as_str)))
        }
    }?;
    lookup::keep(config, &entry).await?;
    Ok(entry)
}

fn named(identity: &crate::oauth::Identity, grant: &str) -> Result<Client, LoginError> {
    let id = needed(identity.client_id.as_ref(), grant, "--client-id")?.clone();
    Ok(Client::new(id, identity.client_secret.clone()))
}

fn enterprise(args: &LoginArgs) -> Result<Enterprise, LoginError> {
    let text = |value: &Option<String>, flag| needed(value.as_ref(), "enterprise", flag).cloned();
    let secret = args.idp_client_secret_file.as_deref().map(read_secret).transpose()?;
    Ok(Enterprise {
        issuer: text(&args.idp_issuer, "--idp-issuer")?,
        token_endpoint: text(&args.idp_token_endpoint, "--idp-token-endpoint")?,
        client_id: text(&args.idp_client_id, "--idp-client-id")?,
        client_secret: secret,
        id_token: read_secret(needed(
            args.id_token_file.as_ref(),
            "enterprise",
            "--id-token-file",
        )?)?,
    })
}

fn needed<'a, T>(value: Option<&'a T>, grant: &str, flag: &str) -> Result<&'a T, LoginError> {
    value.ok_or_else(|| LoginError::Usage(format!("--grant {grant} needs {flag}")))
}

async fn logout(all: bool, config: &Config) -> Result<Report, Failure> {
    let Some(store) = config.access.store() else {
        return Ok(forgotten(&[], &[]));
    };
    let server = config.endpoint.as_str();
    let gone = async {
        let lock = store.lock().await?;
        store.remove(|summary| all || summary.server == server, &lock).await
    };
    let Removed { gone, left } = gone.await.map_err(|error| Failure::store(&error))?;
    let mut told = Vec::new();
    for (summary, entry) in gone {
        let revoked = match &entry {
            Some(entry) => taken_back(entry, config).await,
            None => Vec::new(),
        };
        told.push((summary, revoked));
    }
    Ok(forgotten(&told, &left))
}

/// What kinds of token an issuer took back.
type Revoked = Vec<&'static str>;

fn forgotten(gone: &[(Summary, Revoked)], left: &[Summary]) -> Report {
    let mut text = String::new();
    if gone.is_empty() && left.is_empty() {
        text.push_str("there was no token\n");
    }
    for (summary, revoked) in gone {
        let how = match revoked.join(", ") {
            none if none.is_empty() => "forgotten".to_owned(),
            kinds => format!("forgotten, revoked ({kinds})"),
        };
        let _ = writeln!(text, "{how}: the token of {} for {}", summary.key.issuer, summary.server);
    }
    let rows = gone.iter().map(|(summary, revoked)| {
        json!({ "server": summary.server, "issuer": summary.key.issuer, "revoked": revoked })
    });
    let mut report = Report::new(text, json!({ "forgotten": rows.collect::<Vec<_>>() }));
    report.fault = left.first().map(|first| Box::new(Failure::still_kept(&first.server)));
    report
}

/// Tells the issuer.
async fn taken_back(entry: &Entry, config: &Config) -> Revoked {
    let Ok(at) = Endpoint::parse(&entry.server) else {
        return Vec::new();
    };
    let allow_private = config.access.args().allow_private;
    match Outward::new(&at, allow_private, &config.authorities) {
        Ok(outward) => revoke(entry, &outward).await,
        Err(_) => Vec::new(),
    }
}

fn status(config: &Config) -> Result<Report, Failure> {
    let store = config.access.store();
    let listed = store.as_ref().map(Store::list).transpose();
    let listed = listed.map_err(|error| Failure::store(&error))?.unwrap_or_default();
    let mut text = String::new();
    if listed.is_empty() {
        text.push_str("no tokens are stored\n");
    }
    for one in &listed {
        let _ = writeln!(text, "{}", one.summary.server);
        text.push_str(&details(one, store.as_ref()));
    }
    Ok(Report::new(text, json!({ "tokens": listed })))
}

fn details(listed: &Listed, store: Option<&Store>) -> String {
    let summary = &listed.summary;
    // Words of an issuer, each on its line.
    let line = |words: &str| Screen::default().line(words);
    let scopes = match line(&summary.scopes.join(" ")) {
        none if none.is_empty() => "(none named)".to_owned(),
        scopes => scopes,
    };
    let until = match summary.expires.and_then(|secs| NumericDate::from_secs(secs).ok()) {
        Some(date) if date > now() => {
            format!("{}, in {}", rfc3339(date), rough(date.since(now()).as_secs()))
        }
        Some(date) => format!("{}: it has expired", rfc3339(date)),
        None => "the issuer does not say".to_owned(),
    };
    let renewal = if summary.renewable { "by itself" } else { "by signing in again" };
    let place = match (listed.kept_in, store) {
        (Place::File, Some(store)) => format!("{}, mode 0600", store.path().display()),
        (Place::File, None) => "file".to_owned(),
        (Place::Keychain, _) => "keychain".to_owned(),
    };
    format!(
        "  issuer    {}\n  client    {}\n  scopes    {scopes}\n  until     {until}\n  \
         renewed   {renewal}\n  kept in   {place}\n",
        line(&summary.key.issuer),
        line(&summary.client_id)
    )
}

fn rough(secs: u64) -> String {
    match secs {
        0..120 => format!("{secs} s"),
        120..7200 => format!("{} min", secs / 60),
        7200..172_800 => format!("{} h", secs / 3600),
        _ => format!("{} days", secs / 86_400),
    }
}
