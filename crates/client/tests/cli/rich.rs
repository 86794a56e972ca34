//! A server with everything that the client can show, in both generations of the protocol.

use std::{borrow::Cow, collections::HashMap, sync::Arc, time::Duration};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
        CompleteResult, CompletionInfo, ContentBlock, ErrorCode, GetPromptRequestParams,
        GetPromptResponse, GetPromptResult, Implementation, InputRequest, InputRequiredResult,
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams, ProgressNotificationParam, Prompt, PromptArgument, PromptMessage,
        ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
        Resource, ResourceContents, ResourceTemplate, Role, ServerCapabilities, ServerConfig,
        SubscribeRequestParams, SubscriptionFilter, Tool,
    },
    service::{RequestContext, SubscriptionContext},
};
use serde_json::{Value, json};

use crate::servers::{Log, serve_mcp};

type Context = RequestContext<RoleServer>;
type Called = Result<CallToolResponse, ErrorData>;

/// The server. Its log has the methods, and what befalls its tools.
#[derive(Clone, Default)]
pub(crate) struct Rich {
    /// Knows no version after 2025-11-25.
    pub(crate) old: bool,
    log: Log,
}

impl Rich {
    pub(crate) fn new(old: bool) -> Self {
        Self { old, log: Log::default() }
    }

    /// Serves it.
    pub(crate) async fn serve(self) -> (String, Log) {
        let log = self.log.clone();
        let url = serve_mcp(self, log.clone(), None).await;
        (url, log)
    }
}

fn tool(name: &'static str, about: &'static str, schema: &Value) -> Tool {
    Tool::new(name, about, Arc::new(schema.as_object().unwrap().clone()))
}

/// A description of more than one sentence, whose first is wider than a terminal.
const THINK: &str = "
    Thinks step by step, e.g. about a plan, in a sentence which is wider than a whole terminal is.
    Then it goes on.";

fn tools() -> Vec<Tool> {
    let nothing = json!({ "type": "object" });
    vec![
        tool(
            "add",
            "Adds two numbers",
            &json!({
                "type": "object",
                "properties": {
                    "a": { "type": "integer", "description": "The first" },
                    "b": { "type": "integer", "minimum": 0 },
                    "note": { "type": "string", "default": "none" },
                },
                "required": ["a", "b"],
                "additionalProperties": false,
            }),
        ),
        tool("album", "Shows a picture, and plays a sound", &nothing),
        tool("steps", "Takes some steps", &nothing),
        tool("forever", "Has no end", &nothing),
        tool("greet", "Asks for a name", &nothing),
        tool("visit", "Asks for a page to be opened", &nothing),
        tool("whoami", "Tells who you are", &nothing),
        tool("edit_file", "Edits a file", &edit_file()),
        tool("think", THINK, &nothing),
        tool("heavy", "Has a schema that takes years", &heavy()),
    ]
}

/// Arguments with something inside, as generators of schemas write them.
fn edit_file() -> Value {
    json!({
        "type": "object",
        "properties": {
            "path": { "type": "string", "title": "Path" },
            "edits": { "type": "array", "items": { "$ref": "#/$defs/Edit" } },
            "modes": { "type": "array", "items": { "enum": ["dry", "it\u{1b}'s"] } },
        },
        "required": ["path", "edits"],
        "$defs": {
            "Edit": {
                "type": "object",
                "properties": {
                    "oldText": { "type": "string", "description": "What to\u{1b}[2J find" },
                    "where": { "anyOf": [{ "$ref": "#/$defs/Range" }, { "type": "null" }] },
                },
                "required": ["oldText"],
            },
            "Range": {
                "type": "object",
                "properties": {
                    "first": { "type": "integer", "minimum": 1 },
                    "unit": { "type": "object", "properties": { "deep": {} } },
                },
            },
        },
    })
}

/// Each definition is twice the one before.
fn heavy() -> Value {
    let twice = |number: u32| {
        let before = json!({ "$ref": format!("#/$defs/d{}", number - 1) });
        (format!("d{number}"), json!({ "allOf": [before.clone(), before] }))
    };
    let mut definitions: serde_json::Map<String, Value> = (1..=40).map(twice).collect();
    definitions.insert("d0".to_owned(), json!({ "type": "integer" }));
    json!({
        "type": "object",
        "properties": { "a": { "$ref": "#/$defs/d40" } },
        "$defs": definitions,
    })
}

fn question() -> Value {
    json!({
        "mode": "form",
        "message": "Who are you?",
        "requestedSchema": {
            "type": "object",
            "properties": {
                "age": { "type": "integer", "minimum": 18 },
                "name": { "type": "string", "minLength": 2 },
            },
            "required": ["age", "name"],
        },
    })
}

fn page() -> Value {
    json!({
        "mode": "url",
        "message": "Please pay",
        "url": "https://pay.example/1",
        "elicitationId": "1",
    })
}

impl Rich {
    /// Asks in the way of the version that is spoken.
    async fn asked(&self, call: &CallToolRequestParams, context: &Context, ask: Value) -> Called {
        let answer = if self.old {
            let request = serde_json::from_value(ask).unwrap();
            let answer = context.peer.create_elicitation(request).await;
            json!(answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?)
        } else {
            let Some(answers) = &call.input_responses else {
                let ask = json!({ "method": "elicitation/create", "params": ask });
                let request: InputRequest = serde_json::from_value(ask).unwrap();
                let requests = [("it".to_owned(), request)].into();
                return Ok(InputRequiredResult::new(Some(requests), Some("state".into())).into());
            };
            assert_eq!(call.request_state.as_deref(), Some("state"));
            answers["it"].clone()
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(format!("said {answer}"))]).into())
    }
}

impl Rich {
    /// Says something in its log.
    #[expect(deprecated, reason = "servers have it until logging is removed (SEP-2577)")]
    async fn logs(&self, context: &Context) -> CallToolResult {
        use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam};
        let wanted = (!self.old).then_some(LoggingLevel::Info);
        assert_eq!(context.meta.log_level(), wanted);
        let words = json!("the disk\u{1b}[2J\nis full");
        let full = LoggingMessageNotificationParam::new(LoggingLevel::Warning, words);
        let left = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!({ "left": 0 }));
        for message in [full.with_logger("da\u{202e}ta"), left] {
            context.peer.notify_logging_message(message).await.unwrap();
        }
        CallToolResult::success(vec![ContentBlock::text("done")])
    }
}

impl ServerHandler for Rich {
    #[expect(deprecated, reason = "servers have it until logging is removed (SEP-2577)")]
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("rich", "1.2"))
            .with_instructions("Be kind")
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        let newest =
            if self.old { ProtocolVersion::V_2025_11_25 } else { ProtocolVersion::V_2026_07_28 };
        Cow::Owned(ProtocolVersion::known_up_to(&newest).to_vec())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()))
    }

    async fn call_tool(&self, call: CallToolRequestParams, context: Context) -> Called {
        let result = match &*call.name {
            "add" => {
                let given = call.arguments.unwrap_or_default();
                let sum = given["a"].as_i64().unwrap() + given["b"].as_i64().unwrap();
                CallToolResult::structured(json!({ "sum": sum }))
            }
            "album" => CallToolResult::success(vec![
                ContentBlock::image("aGVsbG8=", "image/png"),
                ContentBlock::audio("aGVsbG8h", "audio/wav"),
            ]),
            "steps" => {
                let token = context.meta.get_progress_token().unwrap();
                for step in 1..=3 {
                    let progress = ProgressNotificationParam::new(token.clone(), f64::from(step))
                        .with_total(3.0)
                        .with_message(format!("step {step}"));
                    context.peer.notify_progress(progress).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                CallToolResult::success(vec![ContentBlock::text("arrived")])
            }
            "forever" => {
                self.log.push("begun".into());
                context.ct.cancelled().await;
                self.log.push("cancelled".into());
                CallToolResult::success(Vec::new())
            }
            "greet" => return self.asked(&call, &context, question()).await,
            "visit" => return self.asked(&call, &context, page()).await,
            "edit_file" => CallToolResult::success(vec![ContentBlock::text("edited")]),
            "logs" => self.logs(&context).await,
            "picture" => {
                let image = vec![ContentBlock::image("aGVsbG8=", "image/png")];
                let mut result = CallToolResult::success(image.clone());
                result.structured_content = Some(json!({ "content": image }));
                result
            }
            "file" => {
                let text = vec![ContentBlock::text("a\n  b\n\n")];
                let mut result = CallToolResult::success(text);
                result.structured_content = Some(json!({ "content": "a\n  b\n\n" }));
                result
            }
            "wrapped" => {
                let mut result = CallToolResult::success(vec![ContentBlock::text("[1,2]")]);
                result.structured_content = Some(json!({ "result": ["a\u{1b}[2J", 2] }));
                result.content = vec![ContentBlock::text("[\"a\\u001b[2J\",2]")];
                result
            }
            "summary" => {
                let mut result = CallToolResult::success(vec![ContentBlock::text("2 found")]);
                result.structured_content = Some(json!({ "found": ["x", "y"] }));
                result
            }
            "long" => CallToolResult::success(vec![ContentBlock::text("x".repeat(5000))]),
            "long_row" => CallToolResult::structured(json!({ "a": "x".repeat(5000), "b": 1 })),
            "whoami" => CallToolResult::structured(json!({ "subject": "alice" })),
            "pay" => {
                let data = json!({ "elicitations": [page()] });
                return Err(ErrorData::new(ErrorCode(-32042), "Not yet", Some(data)));
            }
            _ => return Err(ErrorData::invalid_params("Unknown tool", None)),
        };
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        let note = Resource::new("memo://note", "note").with_mime_type("text/plain");
        Ok(ListResourcesResult::with_all_items(vec![note]))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let page = ResourceTemplate::new("page://{id}", "page").with_description("One page");
        Ok(ListResourceTemplatesResult::with_all_items(vec![page]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let contents = match &*request.uri {
            "memo://note" => ResourceContents::text("two\nlines", request.uri),
            "page://1" => ResourceContents::blob("aGVsbG8=", request.uri),
            _ => return Err(ErrorData::resource_not_found("No such resource", None)),
        };
        Ok(ReadResourceResult::new(vec![contents]).into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        let city = PromptArgument::new("city").with_required(true).with_description("Where");
        let prompt = Prompt::new("trip", Some("Plans a trip"), Some(vec![city]));
        Ok(ListPromptsResult::with_all_items(vec![prompt]))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let city = request.arguments.unwrap_or_default()["city"].clone();
        let words = format!("Plan a trip to {}", city.as_str().unwrap());
        Ok(GetPromptResult::new(vec![PromptMessage::new_text(Role::User, words)]).into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _: Context,
    ) -> Result<CompleteResult, ErrorData> {
        let known: HashMap<String, String> =
            request.context.and_then(|context| context.arguments).unwrap_or_default();
        let country = known.get("country").map_or("", String::as_str);
        let cities = ["Berlin", "Bern"].into_iter().filter(|city| match country {
            "CH" => *city == "Bern",
            _ => city.starts_with(&request.argument.value),
        });
        let found = CompletionInfo::new(cities.map(str::to_owned).collect()).unwrap();
        Ok(CompleteResult::new(found))
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let update = rmcp::model::ResourceUpdatedNotificationParam::new(request.uri);
            context.peer.notify_resource_updated(update).await
        });
        Ok(())
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let sink = subscription.sink();
        let _ = sink.notify_tool_list_changed().await;
        let _ = sink.notify_resource_updated("memo://note").await;
        subscription.cancelled().await;
        self.log.push("unsubscribed".into());
        Ok(())
    }
}
