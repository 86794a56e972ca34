//! `call`: one `tools/call`, its arguments held against the tool's schema first.
//!
//! 1. The schema comes from the cache where the tool was listed lately, else from the server. What
//!    a cached schema refuses, or does not know, is asked of the server.
//! 2. A tool that is not listed is called, too: whether it may be is the server's decision.
//! 3. A server may want some arguments repeated in headers (`x-mcp-header` in the schema), which
//!    rmcp does for tools that it has seen listed. Where the server asks for it, they are listed
//!    then.
//! 4. An answer may be a question, after which the call is made again with what was said (MRTR), or
//!    a task, which is followed to its end.

use std::{sync::Arc, time::Duration};

use rmcp::{
    ServiceError,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, DEFAULT_MRTR_MAX_ROUNDS,
        ErrorCode, RequestMetaObject, Tool,
    },
};
use serde_json::{Map, Value};

use super::{inputs, lists, lists::ListError, meant::meant, offered, task};
use crate::{
    Exit,
    cache::Cache,
    connect::Session,
    failure::{Context, Failure},
    handler::Event,
    request::{Capability, Fitted, ToolCall},
    schema::Schema,
};

/// How long a server that only wants to be asked again has to wait.
const PAUSE: Duration = Duration::from_millis(200);

/// Calls a tool.
pub(super) async fn call(
    session: &Session,
    call: &ToolCall,
    cache: &Cache,
    context: &Context,
) -> Result<CallToolResult, Failure> {
    let (arguments, names) = if call.checked {
        fitted(session, call, cache, context).await?
    } else {
        (call.arguments.plain(), known(cache))
    };
    let mut params = CallToolRequestParams::new(call.tool.clone()).with_arguments(arguments);
    params.meta = log_level(session);
    let answer = match session.service().call_tool_once(params.clone()).await {
        Err(ServiceError::McpError(error)) if error.code == ErrorCode::HEADER_MISMATCH => {
            lists::tools(session.service()).await.map_err(|error| error.failure(context))?;
            session.service().call_tool_once(params.clone()).await
        }
        answer => answer,
    };
    let answer = answer.map_err(|error| {
        let failure = offered::failure(&error, session, Capability::Tools, context);
        meant(failure, &call.tool, names.iter().map(String::as_str))
    })?;
    finished(session, params, answer, context).await
}

/// Follows an answer until it is a result.
async fn finished(
    session: &Session,
    mut params: CallToolRequestParams,
    mut answer: CallToolResponse,
    context: &Context,
) -> Result<CallToolResult, Failure> {
    for _ in 0..DEFAULT_MRTR_MAX_ROUNDS {
        let wanted = match answer {
            CallToolResponse::Complete(result) => return Ok(result),
            CallToolResponse::Task(created) => {
                return task::follow(session, created, context).await;
            }
            CallToolResponse::InputRequired(wanted) => wanted,
            _ => return Err(Failure::not_mcp(context)),
        };
        let requests = wanted.input_requests.unwrap_or_default();
        if requests.is_empty() {
            if wanted.request_state.is_none() {
                return Err(Failure::not_mcp(context));
            }
            // It wants to be asked again, and not at once.
            tokio::time::sleep(PAUSE).await;
        }
        let answers = inputs::answered(session, requests).await?;
        params.input_responses = (!answers.is_empty()).then_some(answers);
        params.request_state = wanted.request_state;
        let next = session.service().call_tool_once(params.clone()).await;
        answer = next.map_err(|error| Failure::from_service(&error, context))?;
    }
    match answer {
        CallToolResponse::Complete(result) => Ok(result),
        CallToolResponse::Task(created) => task::follow(session, created, context).await,
        _ => {
            let max_rounds = DEFAULT_MRTR_MAX_ROUNDS;
            let endless = ServiceError::InputRequiredRoundsExceeded { max_rounds };
            Err(Failure::from_service(&endless, context))
        }
    }
}

/// The tool as it is listed.
pub(super) async fn tool(
    session: &Session,
    name: &str,
    cache: &Cache,
    context: &Context,
) -> Result<Tool, Failure> {
    let listed = listed(session, cache).await;
    let tools = listed.map_err(|error| error.failure(context))?;
    let found = tools.iter().find(|tool| tool.name == name);
    found.cloned().ok_or_else(|| {
        meant(
            Failure::no_tool(name, &context.server_flag),
            name,
            tools.iter().map(|tool| &*tool.name),
        )
    })
}

/// From 2026-07-28 on a server sends log messages to those who ask for them, call by call.
#[expect(deprecated, reason = "servers have it until logging is removed (SEP-2577)")]
fn log_level(session: &Session) -> Option<RequestMetaObject> {
    let info = session.service().peer_info()?;
    let asks = !info.protocol_version.has_initialize() && info.capabilities.logging.is_some();
    asks.then(|| {
        let mut meta = RequestMetaObject::default();
        meta.set_log_level(rmcp::model::LoggingLevel::Info);
        meta
    })
}

/// The arguments, and the names of the tools as far as known.
async fn fitted(
    session: &Session,
    call: &ToolCall,
    cache: &Cache,
    context: &Context,
) -> Result<(Map<String, Value>, Vec<String>), Failure> {
    let kept = cache.fresh().unwrap_or_default();
    if let Some(Ok(fitted)) = fit(&kept, call, &context.server_flag).await
        && fitted.unknown.is_empty()
    {
        return Ok((fitted.arguments, names(&kept)));
    }
    let tools = match listed(session, cache).await {
        Ok(tools) => tools,
        // A server without a list, or that does not show it to this caller, may still have the
        // tool.
        Err(ListError::Service(ServiceError::McpError(_))) => {
            return Ok((call.arguments.plain(), known(cache)));
        }
        Err(error) => {
            let failure = error.failure(context);
            return if failure.exit() == Exit::Forbidden {
                Ok((call.arguments.plain(), known(cache)))
            } else {
                Err(failure)
            };
        }
    };
    let Some(fitted) = fit(&tools, call, &context.server_flag).await else {
        return Ok((call.arguments.plain(), names(&tools)));
    };
    let fitted = fitted?;
    for unknown in &fitted.unknown {
        session.handler().emit(Event::Warned(unknown.warning(&call.tool))).await;
    }
    Ok((fitted.arguments, names(&tools)))
}

fn names(tools: &[Tool]) -> Vec<String> {
    tools.iter().map(|tool| tool.name.to_string()).collect()
}

/// The names that were listed at some time.
fn known(cache: &Cache) -> Vec<String> {
    cache.tools().into_iter().map(|tool| tool.name).collect()
}

/// The arguments as the tool's schema wants them, if the tool is there.
async fn fit(
    tools: &[Tool],
    call: &ToolCall,
    server_flag: &str,
) -> Option<Result<Fitted, Failure>> {
    let tool = tools.iter().find(|tool| *tool.name == *call.tool)?;
    let (schema, arguments) = (Arc::clone(&tool.input_schema), call.arguments.clone());
    // In a thread of its own: a small schema can take longer than the timeout, and nothing else
    // would end the wait.
    let work = tokio::task::spawn_blocking(move || {
        arguments.fitted(&Schema::new(&Value::Object(schema.as_ref().clone())))
    });
    let fitted = work.await.ok()?;
    Some(fitted.map_err(|faults| Failure::arguments(&call.tool, faults, server_flag)))
}

/// All tools, which are kept for the next time.
pub(super) async fn listed(session: &Session, cache: &Cache) -> Result<Vec<Tool>, ListError> {
    let tools = lists::tools(session.service()).await?.tools;
    cache.save(&tools);
    Ok(tools)
}
