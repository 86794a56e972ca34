//! What can be done at a server, once connected: one file for each verb that needs one.

mod call;
mod info;
mod inputs;
mod listen;
mod lists;
mod meant;
mod offered;
mod prompt;
mod read;
mod task;
mod watch;

use std::collections::HashMap;

use auth_core::AccessToken;

use rmcp::{
    ServiceError,
    model::{ArgumentInfo, CompleteRequestParams, CompletionContext, ListResourceTemplatesResult},
};

use crate::{
    config::Config,
    connect::{Session, speaks_only_sse},
    console::Console,
    failure::{Context, Failure},
    progress::Progress,
    request::{Answer, Capability, Request},
};
use lists::ListError;
use watch::Watch;

/// Connects with this token, asks and disconnects, all within the time that the configuration
/// gives.
pub(crate) async fn run(
    config: &Config,
    token: Option<&AccessToken>,
    console: &Console,
    progress: &mut dyn Progress,
) -> Result<Answer, Failure> {
    let target = config.target(token);
    let context = config.context(token);
    let mut watch = Watch::new(&context, console, progress);
    let opened = async {
        match Session::open(target).await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                let failure = Failure::from_connect(&error, &context);
                let is_sse = failure.is_misplaced() && speaks_only_sse(target).await;
                Err(if is_sse { Failure::only_sse(&context) } else { failure })
            }
        }
    };
    // Boxed: the handshake is large.
    let (session, events) = watch.until(Box::pin(opened)).await?;
    watch.follow(&session, events);
    let answer = match &config.request {
        Request::Listen(listening) => watch.listen(&session, listening).await,
        _ => watch.until(ask(&session, config, &context)).await,
    };
    watch.clear();
    let abandoned = answer.as_ref().is_err_and(Failure::leaves_work_behind);
    session.close(abandoned).await;
    if !matches!(config.request, Request::Listen(_)) {
        watch.drain();
    }
    answer
}

async fn ask(session: &Session, config: &Config, context: &Context) -> Result<Answer, Failure> {
    let service = session.service();
    let failed = |error: ServiceError| Failure::from_service(&error, context);
    let listed = |error: ListError| error.failure(context);
    let lacks = |error: &ListError, capability: Capability| match error {
        ListError::Service(error) => offered::is_lacking(error, session, capability),
        ListError::TooLong(_) => false,
    };
    let not_got =
        |error: ServiceError, capability| offered::failure(&error, session, capability, context);
    Ok(match &config.request {
        Request::Tools => match lists::tools(service).await {
            Err(error) if lacks(&error, Capability::Tools) => Answer::NotOffered(Capability::Tools),
            list => {
                let list = list.map_err(listed)?;
                config.cache.save(&list.tools);
                Answer::Tools(list)
            }
        },
        Request::ToolHelp(name) => {
            Answer::ToolHelp(Box::new(call::tool(session, name, &config.cache, context).await?))
        }
        Request::Call(call) => Answer::Call {
            tool: call.tool.clone(),
            result: call::call(session, call, &config.cache, context).await?,
        },
        Request::Resources => {
            let resources = match lists::resources(service).await {
                Err(error) if lacks(&error, Capability::Resources) => {
                    return Ok(Answer::NotOffered(Capability::Resources));
                }
                resources => resources.map_err(listed)?,
            };
            let templates = match lists::templates(service).await {
                // Older servers have none, and do not know the method.
                Err(ListError::Service(ServiceError::McpError(_))) => {
                    ListResourceTemplatesResult::with_all_items(Vec::new())
                }
                result => result.map_err(listed)?,
            };
            config.cache.save_resources(&resources.resources);
            Answer::Resources(resources, templates)
        }
        Request::Read(uri) => Answer::Read(read::read(session, uri, &config.cache, context).await?),
        Request::Prompts => match lists::prompts(service).await {
            Err(error) if lacks(&error, Capability::Prompts) => {
                Answer::NotOffered(Capability::Prompts)
            }
            list => {
                let list = list.map_err(listed)?;
                config.cache.save_prompts(&list.prompts);
                Answer::Prompts(list)
            }
        },
        Request::Prompt { name, arguments } => {
            Answer::Prompt(prompt::get(session, name, arguments, &config.cache, context).await?)
        }
        Request::Complete { of, argument: (name, start), known } => {
            let argument = ArgumentInfo::new(name.clone(), start.clone());
            let mut params = CompleteRequestParams::new(of.clone(), argument);
            if !known.is_empty() {
                let known: HashMap<String, String> = known.iter().cloned().collect();
                params = params.with_context(CompletionContext::with_arguments(known));
            }
            let found = service.complete(params).await;
            Answer::Complete(found.map_err(|error| not_got(error, Capability::Completions))?)
        }
        Request::Info => Answer::Info(Box::new(info::info(session).await.map_err(failed)?)),
        Request::Ping => Answer::Ping(info::ping(service).await.map_err(failed)?),
        // Listening has no end that could be awaited here.
        Request::Listen(_) => Answer::Printed,
    })
}
