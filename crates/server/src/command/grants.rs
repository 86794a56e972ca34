//! `server grants …`: what users have consented that clients may do. Works while servers run on the
//! same directory.

use auth_core::{Clock, display};
use directory::authorization::{EndedGrants, Grant, GrantFilter, GrantId};
use serde_json::{Value, json};
use settings::Environment;
use terminal::{Screen, table::Table};

use super::context::{DirectoryContext, WHEN, date, write_json};
use crate::{
    args::{GrantsCommand, OutputFormat, RunArgs},
    failure::Failure,
};

pub(crate) async fn grants(
    command: GrantsCommand,
    args: &RunArgs,
    environment: &Environment,
    clock: &dyn Clock,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let context = DirectoryContext::open(args, environment, clock, false).await?;
    let done = run(&context, command, out).await;
    context.directory.close().await;
    done
}

async fn run(
    context: &DirectoryContext,
    command: GrantsCommand,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let store = context.authorizations();
    let user = |subject: Option<String>| subject.map(|subject| context.name(&subject)).transpose();
    match command {
        GrantsCommand::List { user: subject, client, all, output } => {
            let filter = GrantFilter { user: user(subject)?, client_id: client, with_ended: all };
            print(&store.grants(&filter).await?, output, out)
        }
        GrantsCommand::Revoke { grant: Some(id), output, .. } => {
            let ended = store.end_grant(&id, context.stamp.at()).await?;
            if ended.grants == 0 {
                return Err(Failure::NoSuchGrant(id.to_string()));
            }
            report(ended, Some(&id), output, out)
        }
        GrantsCommand::Revoke { grant: None, user: subject, client, output } => {
            let filter = GrantFilter { user: user(subject)?, client_id: client, with_ended: false };
            report(store.end_grants(&filter, context.stamp.at()).await?, None, output, out)
        }
    }
}

fn report(
    ended: EndedGrants,
    id: Option<&GrantId>,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    match output {
        OutputFormat::Json => write_json(
            &json!({
                "what": "end-grants", "grant": id.map(GrantId::as_str),
                "grants_ended": ended.grants, "tokens_revoked": ended.tokens,
            }),
            out,
        ),
        OutputFormat::Text => {
            let (grants, tokens) = (ended.grants, ended.tokens);
            writeln!(out, "{grants} grants ended, {tokens} access tokens revoked{WHEN}")
                .map_err(Failure::output)
        }
    }
}

fn print(grants: &[Grant], output: OutputFormat, out: &mut dyn Screen) -> Result<(), Failure> {
    match output {
        OutputFormat::Json => {
            let grants: Vec<_> = grants.iter().map(described).collect();
            write_json(&grants, out)
        }
        OutputFormat::Text => {
            let rows = grants.iter().map(|grant| {
                let given = &grant.given;
                [
                    given.id.to_string(),
                    given.user.subject.to_string(),
                    client(grant),
                    given.scopes.to_string(),
                    date(Some(grant.last_used_at)),
                    grant.ended_at.map_or_else(|| "-".to_owned(), |at| date(Some(at))),
                ]
            });
            let head = ["GRANT", "USER", "CLIENT", "SCOPES", "LAST USED", "ENDED"];
            let table = Table::new(head).rows(rows).within(out.columns());
            write!(out, "{table}").map_err(Failure::output)
        }
    }
}

/// The client by its name and its id: the name is what it called itself.
fn client(grant: &Grant) -> String {
    let id = &grant.given.client_id;
    match &grant.given.client_name {
        Some(name) => format!("{} ({id})", display::escape(name)),
        None => id.to_string(),
    }
}

fn described(grant: &Grant) -> Value {
    let given = &grant.given;
    json!({
        "grant": given.id.as_str(),
        "issuer": given.user.issuer.as_str(),
        "subject": given.user.subject.as_str(),
        "client_id": given.client_id.as_str(),
        "client_name": given.client_name,
        "resource": given.resource.as_str(),
        "scope": given.scopes,
        "created_at": given.created_at,
        "last_used_at": grant.last_used_at,
        "ended_at": grant.ended_at,
    })
}
