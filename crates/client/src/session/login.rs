//! `login`: obtains a token with the grant that the user chooses, and stores it.

use std::fmt::Write as _;

use auth_core::Challenge;
use serde_json::json;

use super::{advice, ask::or_cancelled, lookup, status::details};
use crate::{
    Exit,
    args::{GrantArg, LoginArgs},
    command,
    config::Config,
    console::Console,
    failure::Failure,
    jwt,
    oauth::{
        Before, Discovered, Enterprise, Identity, LoginError, authorization_code,
        client_credentials, device_code, enterprise, print_code, read_secret, workload,
    },
    progress::Progress,
    report::Report,
    sanitize::Sanitizer,
    store::{Client, Entry, Grant},
};

/// Signs in, and stores the token.
pub(crate) async fn login(
    args: &LoginArgs,
    config: &Config,
    console: &Console,
    progress: &mut dyn Progress,
) -> Result<Report, Failure> {
    let Some(store) = config.tokens.store() else {
        return Err(Failure::usage(
            "there is no folder to keep a token in: neither XDG_STATE_HOME nor HOME is set",
        ));
    };
    if !config.endpoint.keeps_secrets() {
        return Err(Failure::login(&LoginError::PlainHttp, &config.context(None)));
    }
    // The server's own 401 says where to go and what for; a given token would hide it.
    let challenge = match command::run(config, None, console, progress).await {
        // Its metadata would not be there either.
        Err(failure) if failure.exit() == Exit::Unreachable => return Err(failure),
        Err(failure) => failure.challenge().cloned(),
        Ok(_) => None,
    };
    // Boxed: it is large, and the select would hold it twice.
    let work = Box::pin(obtain(args, config, challenge.as_ref()));
    let obtained = or_cancelled(work).await;
    if let Err(LoginError::SignInTimeout(_) | LoginError::Cancelled) = &obtained {
        lookup::doubt_client(config).await;
    }
    let entry = match obtained {
        Ok(entry) => entry,
        Err(error) => return Err(advice::of_login(&error, config, challenge.as_ref(), None).await),
    };
    progress.redact(entry.token().as_ref());
    let mut text = format!("signed in at {} for {}\n", entry.issuer, entry.server);
    // A token that only its issuer can read does not say.
    let user = entry.token().as_ref().and_then(jwt::unverified_subject);
    if let Some(user) = &user {
        let _ = writeln!(text, "  user      {}", Sanitizer::default().one_line(user));
    }
    let listed = store.list().map_err(|error| Failure::store(&error))?;
    let listed = listed.into_iter().find(|listed| listed.summary.key == entry.key());
    if let Some(listed) = &listed {
        text.push_str(&details(listed, Some(&store), config.clock.now()));
    }
    Ok(Report::new(text, json!({ "token": listed, "subject": user })))
}

async fn obtain(
    args: &LoginArgs,
    config: &Config,
    challenge: Option<&Challenge>,
) -> Result<Entry, LoginError> {
    let tokens = &config.tokens;
    let outward = config.outward()?;
    let exceptions = tokens.exceptions();
    let (endpoint, clock) = (&config.endpoint, &config.clock);
    let found = Discovered::at(endpoint, challenge, exceptions, &outward, clock).await?;
    let identity = tokens.identity()?;
    let wanted = tokens.args().scope.as_ref();
    let stored = match tokens.store() {
        Some(store) => store.find(config.endpoint.as_str()).await.map_err(LoginError::Store)?,
        None => None,
    };
    let known = stored.filter(|entry| entry.issuer == found.info.issuer).map(|entry| entry.client);
    let known = known.as_ref();
    let grant = if args.device { GrantArg::Device } else { args.grant };
    let entry = match grant {
        GrantArg::Browser => {
            let before = Before { client: known, is_checked: true };
            let callback = tokens.callback();
            authorization_code(found, &identity, wanted, before, &callback, &outward).await
        }
        GrantArg::Device => {
            device_code(found, &identity, wanted, known, &outward, &print_code).await
        }
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
            let entry = client_credentials(found, client, grant, wanted, &outward).await;
            entry.map_err(|error| error.without(secret.as_deref()))
        }
        GrantArg::Workload => {
            let client = named(&identity, "workload")?;
            let file = needed(args.assertion_file.as_ref(), "workload", "--assertion-file")?;
            let file =
                std::path::absolute(file).map_err(|fault| LoginError::File(file.clone(), fault))?;
            let secrets = [read_secret(&file)?, client.secret.clone().unwrap_or_default()];
            let entry = workload(found, client, file, wanted, &outward).await;
            entry.map_err(|error| error.without(secrets.iter().map(String::as_str)))
        }
        GrantArg::Enterprise => {
            let client = named(&identity, "enterprise")?;
            let provider = provider(args)?;
            let secret = client.secret.clone();
            let entry = enterprise(found, client, &provider, wanted, &outward).await;
            let secrets = [Some(provider.id_token), provider.client_secret, secret];
            entry.map_err(|error| error.without(secrets.iter().flatten().map(String::as_str)))
        }
    }?;
    lookup::save(config, &entry).await?;
    Ok(entry)
}

fn named(identity: &Identity, grant: &str) -> Result<Client, LoginError> {
    let id = needed(identity.client_id.as_ref(), grant, "--client-id")?.clone();
    Ok(Client::new(id, identity.client_secret.clone()))
}

fn provider(args: &LoginArgs) -> Result<Enterprise, LoginError> {
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
