//! Calls that become tasks (SEP-2663).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CancelTaskParams, ContentBlock,
        CreateTaskResult, DetailedTask, GetTaskParams, GetTaskResult, InputRequest,
        InputRequiredResult, ServerCapabilities, ServerConfig, Task, TaskPayload, TaskStatus,
        UpdateTaskParams,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

use crate::{
    servers::{Log, serve_mcp},
    support::{Client, Run},
    verbs::wait_for,
};

type Context = RequestContext<RoleServer>;

/// A server whose every tool becomes a task of the same name.
#[derive(Clone, Default)]
struct Tasks {
    log: Log,
    /// How often each was asked for.
    polls: Arc<Mutex<HashMap<String, u32>>>,
    answer: Arc<Mutex<Option<Value>>>,
    interval: u64,
}

impl Tasks {
    async fn serve(interval: u64) -> (String, Log) {
        let tasks = Self { interval, ..Self::default() };
        let log = tasks.log.clone();
        (serve_mcp(tasks, log.clone(), None).await, log)
    }

    fn task(&self, id: &str, words: &str) -> Task {
        let when = "2026-08-01T12:00:00Z";
        Task::new(id, TaskStatus::Working, when, when)
            .with_poll_interval_ms(self.interval)
            .with_status_message(words)
    }
}

fn done(words: &str, is_error: bool) -> TaskPayload {
    let content = vec![ContentBlock::text(words)];
    let result =
        if is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    let Value::Object(result) = serde_json::to_value(result).unwrap() else { panic!("no object") };
    TaskPayload::Completed { result }
}

fn asking(method: &str, params: &Value) -> InputRequest {
    serde_json::from_value(json!({ "method": method, "params": params })).unwrap()
}

fn question() -> InputRequest {
    let schema = json!({ "type": "object", "properties": { "name": { "type": "string" } } });
    let params = json!({ "mode": "form", "message": "Whose?", "requestedSchema": schema });
    asking("elicitation/create", &params)
}

impl ServerHandler for Tasks {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_tasks().build())
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        context: Context,
    ) -> Result<CallToolResponse, ErrorData> {
        let can = context.client_capabilities().is_some_and(|can| can.supports_tasks());
        assert!(can, "the client does not say that it can wait");
        if call.name == "first" && call.input_responses.is_none() {
            let requests = [("it".to_owned(), question())].into();
            return Ok(InputRequiredResult::new(Some(requests), None).into());
        }
        Ok(CreateTaskResult::new(self.task(&call.name, "begun")).into())
    }

    async fn get_task(&self, get: GetTaskParams, _: Context) -> Result<GetTaskResult, ErrorData> {
        let poll = {
            let mut polls = self.polls.lock().unwrap();
            let poll = polls.entry(get.task_id.clone()).or_default();
            *poll += 1;
            *poll
        };
        let payload = match (&*get.task_id, poll) {
            ("work" | "first", 3) => done("all done", false),
            ("slip", _) => done("it slipped", true),
            ("break", _) => {
                let error = json!({ "code": -32603, "message": "it\u{1b}[2J broke" });
                TaskPayload::Failed { error: error.as_object().unwrap().clone() }
            }
            ("nonsense", _) => {
                let result = json!({ "content": 7 });
                TaskPayload::Completed { result: result.as_object().unwrap().clone() }
            }
            ("stop", _) => TaskPayload::Cancelled,
            ("gone", _) => return Err(ErrorData::invalid_params("No such task", None)),
            ("model", _) => {
                let params = json!({ "messages": [], "maxTokens": 1 });
                let request = asking("sampling/createMessage", &params);
                let input_requests = [("it".to_owned(), request)].into();
                TaskPayload::InputRequired { input_requests }
            }
            // The answer takes a while to be seen.
            ("ask", 1..=3) => {
                let input_requests = [("it".to_owned(), question())].into();
                TaskPayload::InputRequired { input_requests }
            }
            ("ask", _) => {
                let answer = self.answer.lock().unwrap().clone();
                done(&format!("said {}", answer.unwrap()), false)
            }
            _ => TaskPayload::Working,
        };
        let words = if poll < 2 { "begun" } else { "half\u{1b}[2J way" };
        let task = DetailedTask::new(self.task(&get.task_id, words), payload);
        Ok(GetTaskResult::new(task))
    }

    async fn update_task(&self, update: UpdateTaskParams, _: Context) -> Result<(), ErrorData> {
        self.log.push("answered".into());
        let old = self.answer.lock().unwrap().replace(update.input_responses["it"].clone());
        assert_eq!(old, None, "the person is asked once");
        Ok(())
    }

    async fn cancel_task(&self, cancel: CancelTaskParams, _: Context) -> Result<(), ErrorData> {
        self.log.push(format!("cancelled {}", cancel.task_id));
        Ok(())
    }
}

fn polls(log: &Log) -> usize {
    log.lines().iter().filter(|line| *line == "tasks/get").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_followed_to_its_result() {
    let (url, log) = Tasks::serve(150).await;
    let begun = Instant::now();
    let run = Client::at(&url, &["call", "work"]).run().await.expect(0);
    assert_eq!(run.stdout, "all done\n");
    assert_eq!(run.stderr, "task: working: begun\ntask: working: half\\u{1b}[2J way\n");
    assert_eq!(polls(&log), 3);
    assert!(begun.elapsed() > Duration::from_millis(450), "it is asked as often as it wishes");

    let (url, _) = Tasks::serve(0).await;
    let run = Client::at(&url, &["call", "work", "--output=json"]).run().await.expect(0);
    assert_eq!(run.json()["content"][0]["text"], "all done");
    assert_eq!(run.stderr, "", "a program that reads stderr gets none of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_wants_to_be_hammered_is_not() {
    let (url, log) = Tasks::serve(0).await;
    Client::at(&url, &["call", "endless", "--timeout=2"]).run().await.expect(7);
    assert!((5..=20).contains(&polls(&log)), "{}", polls(&log));
    assert!(log.lines().contains(&"cancelled endless".to_owned()), "{:?}", log.lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_end_of_a_task_has_its_exit_code() {
    let (url, log) = Tasks::serve(0).await;
    let call = |tool: &'static str| Client::at(&url, &["call", tool]).run();
    let run = call("slip").await.expect(1);
    assert!(run.stderr.ends_with("`slip` answered with an error\nit slipped\n"), "{run:?}");
    for (tool, words) in [
        ("break", "JSON-RPC error -32603\nthe server says: it\\u{1b}[2J broke\n"),
        ("stop", "error: the server cancelled the task\nthe server says: begun\n"),
        ("gone", "JSON-RPC error -32602\nthe server says: No such task\n"),
        ("nonsense", "did not answer the way an MCP server does\n"),
        ("model", "asks for a model or for folders, which this client does not offer\n"),
    ] {
        let run = call(tool).await.expect(6);
        assert!(run.stderr.contains(words), "{run:?}");
        assert_eq!(run.stdout, "");
    }
    assert!(!log.lines().iter().any(|line| line.starts_with("cancelled")), "{:?}", log.lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_asks_finds_nobody_and_is_cancelled() {
    for tool in ["ask", "first"] {
        let (url, log) = Tasks::serve(0).await;
        let run = Client::at(&url, &["call", tool]).run().await.expect(8);
        assert!(run.stderr.contains("the server says: Whose?\n"), "{run:?}");
        let is_cancelled = log.lines().contains(&"cancelled ask".to_owned());
        assert_eq!(is_cancelled, tool == "ask", "{:?}", log.lines());
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn control_c_cancels_the_task() {
    let (url, log) = Tasks::serve(60_000).await;
    let child = Client::at(&url, &["call", "endless"]).command().spawn().unwrap();
    wait_for(&log, "tools/call").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let pid = child.id().to_string();
    let run = tokio::task::spawn_blocking(move || {
        let killed = std::process::Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.unwrap().success());
        Run::from(child.wait_with_output().unwrap())
    });
    let run = run.await.unwrap().expect(130);
    assert!(run.stderr.ends_with("error: cancelled\n"), "{run:?}");
    wait_for(&log, "cancelled endless").await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_person_answers_a_task_once_and_before_it_too() {
    for (tool, said) in [("ask", r#""content":{"name":"Alice"}"#), ("first", "all done")] {
        let (url, _) = Tasks::serve(0).await;
        let work = move || {
            let mut terminal = crate::terminal::Terminal::run(&url, &format!("call {tool}"), &[]);
            terminal.wait_for("Whose?");
            terminal.press("y\n");
            terminal.wait_for("name");
            terminal.press("Alice\n");
            terminal.end()
        };
        let (code, shown) = tokio::task::spawn_blocking(work).await.unwrap();
        assert_eq!(code, Some(0), "{shown}");
        assert!(shown.contains(said), "{shown}");
        assert!(shown.contains("\r\u{1b}[Kworking: begun"), "{shown:?}");
    }
}
