//! [`CatchPanic`]: every method of an rmcp server, with its panics caught.

#![expect(deprecated, reason = "panics are caught in what rmcp deprecates too")]

use std::borrow::Cow;

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CancelTaskParams, CancelledNotificationParam,
        CompleteRequestParams, CompleteResult, CustomNotification, CustomRequest, CustomResult,
        DiscoverResult, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams,
        GetSkillResult, GetTaskParams, GetTaskResult, InitializeRequestParams, InitializeResult,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult,
        ListToolsResult, PaginatedRequestParams, ProgressNotificationParam, ProtocolVersion,
        ReadResourceDirectoryRequestParams, ReadResourceDirectoryResult, ReadResourceRequestParams,
        ReadResourceResponse, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
        SubscriptionFilter, Tool, UnsubscribeRequestParams, UpdateTaskParams,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};

use super::catch_panic;
use crate::Caller;

/// An rmcp server whose panics are answers: a JSON-RPC internal error (-32603) with the id of the
/// request in the log, and nothing of what was wrong. Other requests go on.
///
/// rmcp handles each request in a task of its own, and a task that panics sends no answer: without
/// this the caller waits until it gives up. It needs `panic = "unwind"`, which is cargo's default.
///
/// ```no_run
/// # use rmcp::transport::streamable_http_server::{
/// #     StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
/// # };
/// # #[derive(Clone)]
/// # struct MyServer;
/// # impl rmcp::ServerHandler for MyServer {}
/// use bartizan::CatchPanic;
///
/// let mcp = StreamableHttpService::new(
///     || Ok(CatchPanic::new(MyServer)),
///     std::sync::Arc::new(LocalSessionManager::default()),
///     StreamableHttpServerConfig::default(),
/// );
/// ```
#[derive(Debug, Clone)]
pub struct CatchPanic<S>(S);

impl<S> CatchPanic<S> {
    /// `server`, with its panics caught.
    pub const fn new(server: S) -> Self {
        Self(server)
    }
}

fn caller(context: &RequestContext<RoleServer>) -> Option<Caller> {
    Caller::of(context).ok().cloned()
}

/// The result of a request, or the error that its panic becomes.
async fn answer<T>(
    caller: Option<Caller>,
    handled: impl Future<Output = Result<T, ErrorData>>,
) -> Result<T, ErrorData> {
    if let Some(result) = catch_panic(handled).await {
        return result;
    }
    if let Some(caller) = &caller {
        caller.report_panic();
    }
    let data = caller.map(|it| serde_json::json!({ "request_id": it.request_id().to_string() }));
    Err(ErrorData::internal_error("internal error", data))
}

/// A method for each request with parameters, and for each notification. What the server does is on
/// the heap: rmcp's future has room for each of these, and would be as large as the largest, twice.
macro_rules! forward {
    (
        requests { $($request:ident($params:ty) -> $result:ty;)* }
        notifications { $($notification:ident($message:ty);)* }
    ) => {
        $(
            async fn $request(
                &self,
                params: $params,
                context: RequestContext<RoleServer>,
            ) -> Result<$result, ErrorData> {
                let caller = caller(&context);
                answer(caller, Box::pin(async { self.0.$request(params, context).await })).await
            }
        )*
        $(
            async fn $notification(
                &self,
                message: $message,
                context: NotificationContext<RoleServer>,
            ) {
                let handled = Box::pin(async { self.0.$notification(message, context).await });
                let _ = catch_panic(handled).await;
            }
        )*
    };
}

impl<S: ServerHandler> ServerHandler for CatchPanic<S> {
    forward! {
        requests {
            initialize(InitializeRequestParams) -> InitializeResult;
            complete(CompleteRequestParams) -> CompleteResult;
            set_level(SetLevelRequestParams) -> ();
            get_prompt(GetPromptRequestParams) -> GetPromptResponse;
            list_prompts(Option<PaginatedRequestParams>) -> ListPromptsResult;
            list_resources(Option<PaginatedRequestParams>) -> ListResourcesResult;
            list_resource_templates(Option<PaginatedRequestParams>) -> ListResourceTemplatesResult;
            read_resource(ReadResourceRequestParams) -> ReadResourceResponse;
            read_resource_directory(ReadResourceDirectoryRequestParams)
                -> ReadResourceDirectoryResult;
            subscribe(SubscribeRequestParams) -> ();
            unsubscribe(UnsubscribeRequestParams) -> ();
            call_tool(CallToolRequestParams) -> CallToolResponse;
            list_tools(Option<PaginatedRequestParams>) -> ListToolsResult;
            list_skills(Option<PaginatedRequestParams>) -> ListSkillsResult;
            get_skill(GetSkillRequestParams) -> GetSkillResult;
            get_task(GetTaskParams) -> GetTaskResult;
            update_task(UpdateTaskParams) -> ();
            cancel_task(CancelTaskParams) -> ();
            on_custom_request(CustomRequest) -> CustomResult;
        }
        notifications {
            on_cancelled(CancelledNotificationParam);
            on_progress(ProgressNotificationParam);
            on_custom_notification(CustomNotification);
        }
    }

    async fn ping(&self, context: RequestContext<RoleServer>) -> Result<(), ErrorData> {
        let caller = caller(&context);
        answer(caller, Box::pin(async { self.0.ping(context).await })).await
    }

    async fn discover(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<DiscoverResult, ErrorData> {
        let caller = caller(&context);
        answer(caller, Box::pin(async { self.0.discover(context).await })).await
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let listened = catch_panic(Box::pin(async { self.0.listen(context).await })).await;
        listened.unwrap_or_else(|| Err(ErrorData::internal_error("internal error", None)))
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let _ = catch_panic(Box::pin(async { self.0.on_initialized(context).await })).await;
    }

    async fn on_roots_list_changed(&self, context: NotificationContext<RoleServer>) {
        let _ = catch_panic(Box::pin(async { self.0.on_roots_list_changed(context).await })).await;
    }

    fn negotiate_initialize(
        &self,
        params: &InitializeRequestParams,
    ) -> Result<InitializeResult, ErrorData> {
        self.0.negotiate_initialize(params)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.0.accepted_subscription_filter(requested)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.0.supported_protocol_versions()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.get_tool(name)
    }

    fn get_info(&self) -> ServerConfig {
        self.0.get_info()
    }
}
