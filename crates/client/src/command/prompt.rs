//! `prompt`: one `prompts/get`, its arguments held against the prompt's list of them first.
//!
//! A prompt that is not listed is asked for, too: whether there is one is the server's decision.

use rmcp::{
    ServiceError,
    model::{GetPromptRequestParams, GetPromptResult, Prompt},
};
use serde_json::Map;

use super::{lists, lists::ListError, meant::meant, offered};
use crate::{
    Exit,
    cache::Cache,
    connect::Session,
    failure::{Context, Failure},
    handler::Event,
    request::Capability,
    schema::{FieldError, Unknown},
};

/// Gets a prompt.
pub(super) async fn get(
    session: &Session,
    name: &str,
    given: &[(String, String)],
    cache: &Cache,
    context: &Context,
) -> Result<GetPromptResult, Failure> {
    let listed = listed(session, context).await?;
    if !listed.is_empty() {
        cache.save_prompts(&listed);
    }
    if let Some(prompt) = listed.iter().find(|prompt| prompt.name == name) {
        for unknown in checked(prompt, given, context)? {
            session.handler().emit(Event::Warned(unknown.warning(name))).await;
        }
    }
    let arguments = given.iter().map(|(key, text)| (key.clone(), text.clone().into()));
    let params = GetPromptRequestParams::new(name).with_arguments(arguments.collect::<Map<_, _>>());
    session.service().get_prompt(params).await.map_err(|error| {
        let failure = offered::failure(&error, session, Capability::Prompts, context);
        meant(failure, name, listed.iter().map(|prompt| prompt.name.as_str()))
    })
}

/// The prompts, as far as the server shows them to this caller.
async fn listed(session: &Session, context: &Context) -> Result<Vec<Prompt>, Failure> {
    match lists::prompts(session.service()).await {
        Ok(list) => Ok(list.prompts),
        Err(ListError::Service(ServiceError::McpError(_))) => Ok(Vec::new()),
        Err(error) => {
            let failure = error.failure(context);
            if failure.exit() == Exit::Forbidden { Ok(Vec::new()) } else { Err(failure) }
        }
    }
}

/// The arguments that the prompt does not list, or the failure that some are missing.
fn checked(
    prompt: &Prompt,
    given: &[(String, String)],
    context: &Context,
) -> Result<Vec<Unknown>, Failure> {
    let known = prompt.arguments.as_deref().unwrap_or_default();
    let names: Vec<&str> = known.iter().map(|argument| argument.name.as_str()).collect();
    let unknown = Unknown::among(&given.iter().map(|(key, _)| key.as_str()), &names);
    let missing = known.iter().filter(|argument| {
        argument.required == Some(true) && !given.iter().any(|(key, _)| *key == argument.name)
    });
    let mut faults: Vec<FieldError> = missing
        .map(|argument| FieldError {
            field: argument.name.clone(),
            problem: "is missing".to_owned(),
        })
        .collect();
    if faults.is_empty() {
        return Ok(unknown);
    }
    faults.extend(unknown.iter().map(Unknown::fault));
    Err(Failure::prompt_arguments(&prompt.name, faults, &context.server_flag))
}
