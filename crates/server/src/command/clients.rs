//! `server clients …`: manages the clients of the authorization server. Works while servers run on
//! the same directory.

use std::fs;

use auth_core::{
    ClientId, Clock, RoleName,
    oauth::{AuthMethod, ClientMetadata, ClientSecret, GrantType, RedirectUri, parse_registration},
};
use directory::{
    Directory, DirectoryError, NewUser,
    authorization::{AddClient, ClientOrigin, StoredClient},
};
use serde_json::{Map, Value, json};
use settings::Environment;
use terminal::{Screen, table::Table};

use super::context::{DirectoryContext, WHEN, confirm, date, fields, usage, write_json};
use crate::{
    args::{ClientsCommand, NewClientArgs, OutputFormat, RunArgs},
    config::settings::load_policy,
    failure::Failure,
    random::random,
};

pub(crate) async fn clients(
    command: ClientsCommand,
    args: &RunArgs,
    environment: &Environment,
    clock: &dyn Clock,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let (policy, _) = load_policy(args.policy.as_ref(), environment, &[])?;
    let creates = matches!(command, ClientsCommand::Add(_));
    let context = DirectoryContext::open(args, environment, clock, creates).await?;
    let done = match command {
        ClientsCommand::Add(new) => {
            let has_role = |role: &RoleName| policy.has_role(role);
            add(&context, &new, has_role, out).await
        }
        ClientsCommand::List { all, output } => list(&context, all, output, out).await,
        ClientsCommand::Show { id, output } => match context.authorizations().client(&id).await {
            Ok(Some(client)) => show(&client, output, out),
            Ok(None) => Err(Failure::NoSuchClient(id.to_string())),
            Err(fault) => Err(fault.into()),
        },
        ClientsCommand::Remove { id, yes, output } => {
            let question = format!("Remove the client {id}, and all that it may do?");
            let confirmed =
                if yes { Ok(()) } else { confirm(&question, &format!("{id} was not removed")) };
            match confirmed {
                Ok(()) => remove(&context, &id, output, out).await,
                Err(refused) => Err(refused),
            }
        }
    };
    context.directory.close().await;
    done
}

async fn add(
    context: &DirectoryContext,
    new: &NewClientArgs,
    has_role: impl Fn(&RoleName) -> bool,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let metadata = metadata(new)?;
    let roles = roles(new, &metadata, has_role)?;
    let id = match &new.id {
        Some(id) => id.clone(),
        None => ClientId::from_random(random()?),
    };
    let has_secret = metadata.auth_method().has_secret();
    let secret = if has_secret { Some(ClientSecret::from_random(random()?)) } else { None };
    let client = StoredClient {
        id: id.clone(),
        metadata,
        secret: secret.as_ref().map(ClientSecret::digest),
        origin: ClientOrigin::Operator,
        introspects: new.introspect,
        created_at: context.stamp.at(),
        last_used_at: None,
    };
    match context.authorizations().add_client(&client, u64::MAX).await? {
        AddClient::Added => {}
        AddClient::Exists | AddClient::Full => return Err(Failure::ClientExists(id.to_string())),
    }
    let mut is_user = false;
    if !roles.is_empty() {
        let user = NewUser {
            issuer: context.issuer.clone(),
            subject: id.as_str().parse().map_err(|fault| usage("--id", id.as_str(), fault))?,
            display_name: new.name.clone(),
            roles: roles.into_iter().collect(),
        };
        is_user = match context.directory.add(user, &context.stamp).await {
            Ok(()) => true,
            Err(DirectoryError::Exists { .. }) => {
                return Err(Failure::UserExists {
                    issuer: context.issuer.to_string(),
                    subject: id.to_string(),
                });
            }
            Err(fault) => return Err(fault.into()),
        };
    }
    match new.output {
        OutputFormat::Json => {
            let mut said = described(&client);
            if let (Some(members), Some(secret)) = (said.as_object_mut(), &secret) {
                members.insert("client_secret".into(), secret.expose().into());
            }
            write_json(&said, out)
        }
        OutputFormat::Text => {
            let mut rows = vec![("Client", id.to_string())];
            if let Some(secret) = &secret {
                rows.push(("Secret", secret.expose().to_owned()));
            }
            rows.extend(details(&client));
            if is_user {
                rows.push(("User", format!("{id}, whose roles bound what it may do")));
            } else if client.metadata.may_use(GrantType::ClientCredentials) && !client.introspects {
                let text = format!("none yet: add {id} with `users add` and a role");
                rows.push(("User", text));
            }
            fields(rows, out)?;
            if secret.is_some() {
                writeln!(out, "The secret is not shown again.").map_err(Failure::output)?;
            }
            Ok(())
        }
    }
}

/// What the client would have registered.
fn metadata(new: &NewClientArgs) -> Result<ClientMetadata, Failure> {
    let grants = match new.grants.as_slice() {
        // A resource server: it asks about tokens, and gets none without a user of its own.
        [] if new.introspect && new.redirect_uris.is_empty() => vec![GrantType::ClientCredentials],
        [] => vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        some => some.to_vec(),
    };
    let needs_credential = new.introspect || grants.contains(&GrantType::ClientCredentials);
    let default = if needs_credential { AuthMethod::ClientSecretBasic } else { AuthMethod::None };
    let method = new.auth_method.unwrap_or(default);
    if needs_credential && method == AuthMethod::None {
        let text = "--auth-method none: a client with client_credentials or --introspect needs a \
                    credential";
        return Err(Failure::Usage(text.into()));
    }
    let has_keys = new.keys.is_some() || new.keys_url.is_some();
    if has_keys != (method == AuthMethod::PrivateKeyJwt) {
        let text = "--keys or --keys-url belong to --auth-method private_key_jwt";
        return Err(Failure::Usage(text.into()));
    }
    let mut members = Map::new();
    let mut set = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    set("client_name", json!(new.name));
    set("redirect_uris", json!(new.redirect_uris));
    set("grant_types", json!(grants));
    set("token_endpoint_auth_method", json!(method.as_str()));
    if let Some(path) = &new.keys {
        let place = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|fault| Failure::Usage(format!("{place}: {fault}")))?;
        let keys: Value = serde_json::from_str(&text)
            .map_err(|_| Failure::Usage(format!("{place}: not a JWK Set")))?;
        set("jwks", keys);
    }
    if let Some(url) = &new.keys_url {
        set("jwks_uri", json!(url));
    }
    let body = Value::Object(members).to_string();
    let read = parse_registration(body.as_bytes(), &GrantType::ALL.into())
        .map_err(|fault| Failure::Usage(fault.to_string()))?;
    if read.redirect_uris().len() < new.redirect_uris.len() {
        let used: Vec<_> = read.redirect_uris().iter().map(RedirectUri::as_str).collect();
        let other = new.redirect_uris.iter().find(|uri| !used.contains(&uri.as_str()));
        let other = other.map_or_else(|| "the same twice".to_owned(), |uri| format!("{uri:?}"));
        return Err(Failure::Usage(format!("--redirect-uri {other} cannot be used")));
    }
    Ok(read)
}

/// The roles of the user that the client is.
fn roles(
    new: &NewClientArgs,
    metadata: &ClientMetadata,
    has_role: impl Fn(&RoleName) -> bool,
) -> Result<Vec<RoleName>, Failure> {
    if !new.roles.is_empty() && !metadata.may_use(GrantType::ClientCredentials) {
        let text = "--role is for clients that act for themselves: --grant client_credentials";
        return Err(Failure::Usage(text.into()));
    }
    let role = |name: &String| match name.parse() {
        Err(fault) => Err(usage("role", name, fault)),
        Ok(role) if !has_role(&role) => {
            Err(Failure::Usage(format!("the policy has no role {name:?}")))
        }
        Ok(role) => Ok(role),
    };
    new.roles.iter().map(role).collect()
}

async fn list(
    context: &DirectoryContext,
    all: bool,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let clients = context.authorizations().clients(!all).await?;
    match output {
        OutputFormat::Json => {
            let clients: Vec<_> = clients.iter().map(described).collect();
            write_json(&clients, out)
        }
        OutputFormat::Text => {
            let rows = clients.iter().map(|client| {
                [
                    client.id.to_string(),
                    name(client),
                    origin(client.origin).to_owned(),
                    client.metadata.auth_method().to_string(),
                    date(client.last_used_at),
                ]
            });
            let head = ["CLIENT", "NAME", "ADDED BY", "AUTHENTICATES BY", "LAST USED"];
            let table = Table::new(head).rows(rows).within(out.columns());
            write!(out, "{table}").map_err(Failure::output)
        }
    }
}

fn show(client: &StoredClient, output: OutputFormat, out: &mut dyn Screen) -> Result<(), Failure> {
    match output {
        OutputFormat::Json => write_json(&described(client), out),
        OutputFormat::Text => {
            let mut rows = vec![("Client", client.id.to_string())];
            rows.extend(details(client));
            rows.push((
                "Added",
                format!("{}, by {}", date(Some(client.created_at)), origin(client.origin)),
            ));
            rows.push(("Last used", date(client.last_used_at)));
            fields(rows, out)
        }
    }
}

async fn remove(
    context: &DirectoryContext,
    id: &ClientId,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let removed = context.authorizations().remove_client(id, context.stamp.at()).await?;
    let ended = removed.ok_or_else(|| Failure::NoSuchClient(id.to_string()))?;
    match output {
        OutputFormat::Json => write_json(
            &json!({
                "what": "remove-client", "client_id": id.as_str(),
                "grants_ended": ended.grants, "tokens_revoked": ended.tokens,
            }),
            out,
        ),
        OutputFormat::Text => {
            let said = format!(
                "{id} is removed: {} grants ended, {} access tokens revoked{WHEN}",
                ended.grants, ended.tokens
            );
            writeln!(out, "{}", auth_core::display::escape(&said)).map_err(Failure::output)
        }
    }
}

/// What is shown of a client, without its secret.
fn details(client: &StoredClient) -> Vec<(&'static str, String)> {
    let metadata = &client.metadata;
    let grants: Vec<_> = metadata.grant_types().iter().map(|grant| grant.as_str()).collect();
    let uris: Vec<_> = metadata.redirect_uris().iter().map(RedirectUri::as_str).collect();
    let uris = if uris.is_empty() { "-".to_owned() } else { uris.join(" ") };
    vec![
        ("Name", name(client)),
        ("Authenticates by", metadata.auth_method().to_string()),
        ("Grants", grants.join(" ")),
        ("Redirect URIs", uris),
        (
            "Introspects",
            if client.introspects { "tokens of all clients" } else { "its own tokens" }.to_owned(),
        ),
    ]
}

fn described(client: &StoredClient) -> Value {
    let mut said = serde_json::to_value(&client.metadata).unwrap_or_default();
    if let Some(members) = said.as_object_mut() {
        let more = json!({
            "client_id": client.id.as_str(),
            "added_by": origin(client.origin),
            "introspects": client.introspects,
            "created_at": client.created_at,
            "last_used_at": client.last_used_at,
        });
        members.extend(more.as_object().cloned().unwrap_or_default());
    }
    said
}

fn name(client: &StoredClient) -> String {
    client.metadata.name().map_or_else(|| "-".to_owned(), |name| name.as_str().to_owned())
}

const fn origin(origin: ClientOrigin) -> &'static str {
    match origin {
        ClientOrigin::Registered => "itself",
        ClientOrigin::Operator => "operator",
    }
}
