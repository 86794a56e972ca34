//! `read`: one `resources/read`.
//!
//! 1. Nothing is listed before: the server decides what there is.
//! 2. After a refusal, or an error of the server, its resources are listed, to find the one that
//!    was probably meant. Where it does not list them, those that it listed before are looked
//!    through.
//! 3. What may be made of a template (RFC 6570) is not taken for a misspelt resource.

use rmcp::{
    ServiceError,
    model::{ReadResourceRequestParams, ReadResourceResult},
};

use super::{lists, meant::meant, offered};
use crate::{
    Exit,
    cache::Cache,
    connect::Session,
    failure::{Context, Failure},
    request::Capability,
};

/// Reads a resource.
pub(super) async fn read(
    session: &Session,
    uri: &str,
    cache: &Cache,
    context: &Context,
) -> Result<ReadResourceResult, Failure> {
    let error = match session.service().read_resource(ReadResourceRequestParams::new(uri)).await {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let failure = offered::failure(&error, session, Capability::Resources, context);
    let is_answered = failure.exit() == Exit::Forbidden && failure.required().is_none();
    let is_error = matches!(error, ServiceError::McpError(_));
    if !(is_answered || is_error) || offered::is_lacking(&error, session, Capability::Resources) {
        return Err(failure);
    }
    let known = known(session, cache).await;
    if may_be_of_template(session, uri).await {
        return Err(failure);
    }
    Err(meant(failure, uri, known.iter().map(String::as_str)))
}

/// The URIs of the resources, as the server lists them now or did at some time.
async fn known(session: &Session, cache: &Cache) -> Vec<String> {
    match lists::resources(session.service()).await {
        Ok(list) => {
            cache.save_resources(&list.resources);
            list.resources.into_iter().map(|resource| resource.uri).collect()
        }
        Err(_) => cache.resources().into_iter().map(|resource| resource.name).collect(),
    }
}

/// Whether a URI begins as a template of the server does.
async fn may_be_of_template(session: &Session, uri: &str) -> bool {
    let listed = lists::templates(session.service()).await;
    let templates = listed.map(|list| list.resource_templates).unwrap_or_default();
    let begins =
        |template: &str| template.split_once('{').is_some_and(|(head, _)| uri.starts_with(head));
    templates.iter().any(|template| begins(&template.uri_template))
}
