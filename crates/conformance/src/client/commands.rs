//! Which command lines a scenario is answered with.

use serde_json::Value;

use crate::{Failure, Run};

type CommandLine = Vec<String>;

/// The scenario in which what was listed is sent back.
pub(crate) const ECHO: &str = "json-schema-2020-12-preservation";

/// The document that the suite calls ours.
const DOCUMENT: &str = "https://conformance-test.local/client-metadata.json";

/// The command lines for the scenario of a run.
pub(crate) fn of(run: &Run) -> Result<Vec<CommandLine>, Failure> {
    let scenario = run.scenario.as_str();
    if let Some(name) = scenario.strip_prefix("auth/") {
        return authorization(run, name);
    }
    Ok(match scenario {
        "initialize" | "request-metadata" | "json-schema-ref-no-deref" => vec![line(&["tools"])],
        "tools_call" => vec![line(&["tools"]), line(&["call", "add_numbers", "a:=5", "b:=3"])],
        ECHO => vec![],
        "elicitation-sep1034-client-defaults" => {
            vec![line(&["call", "test_client_elicitation_defaults"])]
        }
        "sep-2322-client-request-state" => {
            let tools = ["echo_state", "no_state", "unrelated", "no_result_type"];
            tools.map(|tool| line(&["call", &format!("test_mrtr_{tool}")])).to_vec()
        }
        "http-standard-headers" => vec![
            line(&["tools"]),
            line(&["call", "test_headers"]),
            line(&["call", "my-hyphenated-tool"]),
            line(&["resources"]),
            line(&["read", "file:///path/to/file%20name.txt"]),
            line(&["prompts"]),
            line(&["prompt", "test_prompt"]),
        ],
        "http-invalid-tool-headers" => {
            vec![line(&["tools"]), line(&["call", "valid_tool", "region=here"])]
        }
        "sse-retry" => vec![line(&["call", "test_reconnection"])],
        "http-custom-headers" => {
            let mut commands = vec![line(&["tools"])];
            commands.extend(tool_calls(run)?);
            commands
        }
        other => return Err(format!("no commands for {other}").into()),
    })
}

/// Each begins without a token: the 401 says what to do.
fn authorization(run: &Run, name: &str) -> Result<Vec<CommandLine>, Failure> {
    let mut commands = sign_ins(run, name)?;
    // Where the suite has its metadata at the root it names its origin as the resource, and its
    // servers of 2025-03-26 publish nothing: the client needs flags to go on without it.
    let origin: String = run.url.split_inclusive('/').take(3).collect();
    let mut terms = line(&["--accept-resource", &origin]);
    if name.starts_with("2025-03-26") {
        terms.push("--assume-pkce".to_owned());
    }
    for command in &mut commands {
        command.extend_from_slice(&terms);
    }
    Ok(commands)
}

fn sign_ins(run: &Run, name: &str) -> Result<Vec<CommandLine>, Failure> {
    let tools = line(&["tools", "--yes", "--client-metadata-url", DOCUMENT]);
    let call = line(&["call", "test-tool", "--yes", "--client-metadata-url", DOCUMENT]);
    let login = |more: &[&str]| -> Result<CommandLine, Failure> {
        let mut command = line(&["login", "--client-id", run.given("client_id")?]);
        command.extend(more.iter().map(|&arg| arg.to_owned()));
        Ok(command)
    };
    Ok(match name {
        "pre-registration" => {
            let secret = run.file("client_secret")?;
            vec![login(&["--client-secret-file", &secret])?, tools, call]
        }
        "client-credentials-basic" => {
            let secret = run.file("client_secret")?;
            let grant = ["--grant", "client-credentials", "--client-secret-file", &secret];
            vec![login(&grant)?, tools, call]
        }
        "client-credentials-jwt" => {
            let key = run.file("private_key_pem")?;
            let algorithm = run.given("signing_algorithm")?;
            let grant = ["--grant", "client-credentials", "--private-key-file", &key];
            let signing = ["--signing-algorithm", algorithm];
            vec![login(&[grant.as_slice(), &signing].concat())?, tools, call]
        }
        "wif-jwt-bearer" => {
            let assertion = run.file("valid_jwt")?;
            vec![login(&["--grant", "workload", "--assertion-file", &assertion])?, tools, call]
        }
        "enterprise-managed-authorization" => {
            let (secret, id_token) = (run.file("client_secret")?, run.file("idp_id_token")?);
            let client = ["--grant", "enterprise", "--client-secret-file", &secret];
            let provider = ["--idp-issuer", run.given("idp_issuer")?];
            let endpoint = ["--idp-token-endpoint", run.given("idp_token_endpoint")?];
            let there = ["--idp-client-id", run.given("idp_client_id")?];
            let token = ["--id-token-file", &id_token];
            let all = [client.as_slice(), &provider, &endpoint, &there, &token].concat();
            vec![login(&all)?, tools, call]
        }
        _ => vec![tools, call],
    })
}

/// The list of the tools, for a program.
pub(crate) fn listing() -> CommandLine {
    line(&["tools", "--output", "json"])
}

/// A call that sends a listed schema back as it came.
pub(crate) fn echo(listed: &[u8]) -> Result<CommandLine, Failure> {
    let listed: Value = serde_json::from_slice(listed)?;
    let tools = listed.get("tools").and_then(Value::as_array).into_iter().flatten();
    let mut focal =
        tools.filter(|tool| tool.get("name") == Some(&"json_schema_2020_12_tool".into()));
    let schema = focal.next().and_then(|tool| tool.get("inputSchema")).ok_or("no such tool")?;
    Ok(line(&["call", "json_schema_echo", &format!("schema:={schema}")]))
}

/// The calls that the context names. What is null there is left out: the tool's schema, against
/// which arguments are checked, takes no null.
fn tool_calls(run: &Run) -> Result<Vec<CommandLine>, Failure> {
    let calls = run.context.get("toolCalls").and_then(Value::as_array);
    let calls = calls.ok_or("the context has no toolCalls")?;
    let command = |call: &Value| {
        let mut command = line(&["call", call.get("name")?.as_str()?]);
        let arguments = call.get("arguments")?.as_object()?;
        let arguments = arguments.iter().filter(|(_, value)| !value.is_null());
        command.extend(arguments.map(|(name, value)| format!("{name}:={value}")));
        Some(command)
    };
    calls.iter().map(|call| command(call).ok_or_else(|| "a call without a name".into())).collect()
}

fn line(args: &[&str]) -> CommandLine {
    args.iter().map(|&arg| arg.to_owned()).collect()
}
