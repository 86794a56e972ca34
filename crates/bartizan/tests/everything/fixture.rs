//! A server that has everything, twice: what needs the scope `A` and what needs `B`. It knows
//! nothing of callers.

use std::{sync::Arc, time::Duration};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams,
        CompleteRequestParams, CompleteResult, ContentBlock, CreateTaskResult,
        GetPromptRequestParams, GetPromptResponse, GetPromptResult, GetSkillRequestParams,
        GetSkillResult, GetTaskParams, GetTaskResult, Implementation, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
        PaginatedRequestParams, Prompt, PromptMessage, ReadResourceDirectoryRequestParams,
        ReadResourceDirectoryResult, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
        ResourceUpdatedNotificationParam, Role, ServerCapabilities, ServerConfig, Skill,
        SkillFrontmatter, SkillResource, SkillResources, SubscribeRequestParams,
        SubscriptionFilter, Tool,
    },
    service::{RequestContext, SubscriptionContext},
    task_manager::{TaskManager, TaskOptions},
};
use serde_json::json;
use tokio::sync::broadcast;

type Context = RequestContext<RoleServer>;

/// What the server tells those who listen.
#[derive(Debug, Clone)]
pub(crate) enum News {
    Tools,
    Prompts,
    Resources,
    Resource(&'static str),
}

#[derive(Clone)]
pub(crate) struct Everything {
    tasks: Arc<TaskManager>,
    news: broadcast::Sender<News>,
}

impl Everything {
    pub(crate) fn new(news: broadcast::Sender<News>) -> Self {
        Self { tasks: Arc::new(TaskManager::new()), news }
    }
}

pub(crate) const TOOLS: [&str; 6] = ["b", "a", "open", "either", "work", "touch"];

impl ServerHandler for Everything {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_list_changed()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_tasks()
            .enable_skills_with_directory_read()
            .build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("everything", "1"))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        if request.is_some_and(|request| request.cursor.as_deref() == Some("slow")) {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        let schema = Arc::new(json!({ "type": "object" }).as_object().unwrap().clone());
        let tools = TOOLS.map(|name| Tool::new(name, "A tool", Arc::clone(&schema)));
        Ok(ListToolsResult::with_all_items(tools.to_vec()))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        match call.name.as_ref() {
            "work" => {
                let work = |_| -> rmcp::task_manager::TaskFuture {
                    Box::pin(async {
                        Ok(CallToolResult::success(vec![ContentBlock::text("worked")]))
                    })
                };
                Ok(CreateTaskResult::new(self.tasks.spawn(TaskOptions::new(), work)).into())
            }
            "touch" => {
                for uri in ["doc://a", "doc://b"] {
                    let update = ResourceUpdatedNotificationParam::new(uri);
                    context.peer.notify_resource_updated(update).await.unwrap();
                }
                context.peer.notify_prompt_list_changed().await.unwrap();
                Ok(CallToolResult::success(vec![ContentBlock::text("touched")]).into())
            }
            "panic" => panic!("a tool with a fault"),
            // Not listed: it takes longer than it takes to lose a role.
            "slow" => {
                // Real time: its caller is judged again meanwhile, over a socket.
                tokio::time::sleep(Duration::from_millis(2500)).await;
                Ok(CallToolResult::success(vec![ContentBlock::text("after a while")]).into())
            }
            name => Ok(CallToolResult::success(vec![ContentBlock::text(name.to_owned())]).into()),
        }
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources = ["doc://b", "doc://a"].map(|uri| Resource::new(uri, uri));
        Ok(ListResourcesResult::with_all_items(resources.to_vec()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates = ["page://{id}", "secret://{id}"].map(|uri| ResourceTemplate::new(uri, uri));
        Ok(ListResourceTemplatesResult::with_all_items(templates.to_vec()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let contents = ResourceContents::text("read", request.uri);
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn read_resource_directory(
        &self,
        request: ReadResourceDirectoryRequestParams,
        _: Context,
    ) -> Result<ReadResourceDirectoryResult, ErrorData> {
        let inside =
            ["a.txt", "b.txt"].map(|name| Resource::new(format!("{}{name}", request.uri), name));
        Ok(ListResourcesResult::with_all_items(inside.to_vec()))
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Context) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        let prompts = ["a", "b"].map(|name| Prompt::new(name, Some("A prompt"), None));
        Ok(ListPromptsResult::with_all_items(prompts.to_vec()))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let message = PromptMessage::new_text(Role::User, request.name);
        Ok(GetPromptResult::new(vec![message]).into())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        Ok(CompleteResult::default())
    }

    async fn list_skills(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListSkillsResult, ErrorData> {
        Ok(ListSkillsResult::with_all_items(vec![skill("a"), skill("b")]))
    }

    async fn get_skill(
        &self,
        _: GetSkillRequestParams,
        _: Context,
    ) -> Result<GetSkillResult, ErrorData> {
        Ok(GetSkillResult::new(skill("a")))
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        _: Context,
    ) -> Result<GetTaskResult, ErrorData> {
        self.tasks.get_task(&request.task_id).map(GetTaskResult::new)
    }

    async fn cancel_task(&self, request: CancelTaskParams, _: Context) -> Result<(), ErrorData> {
        self.tasks.cancel_task(&request.task_id)
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let mut news = self.news.subscribe();
        loop {
            let news = tokio::select! {
                () = subscription.cancelled() => return Ok(()),
                news = news.recv() => news,
            };
            let sink = subscription.sink();
            // What was not asked for, the sink refuses.
            let _ = match news {
                Ok(News::Tools) => sink.notify_tool_list_changed().await,
                Ok(News::Prompts) => sink.notify_prompt_list_changed().await,
                Ok(News::Resources) => sink.notify_resource_list_changed().await,
                Ok(News::Resource(uri)) => sink.notify_resource_updated(uri).await,
                Err(_) => return Ok(()),
            };
        }
    }
}

fn skill(name: &str) -> Skill {
    let frontmatter = SkillFrontmatter::new(name, "A skill");
    let uri = format!("skill://{name}/SKILL.md");
    let file = SkillResource::from_bytes(&uri, name.as_bytes());
    Skill::new(uri, frontmatter, SkillResources::Files(vec![file]))
}
