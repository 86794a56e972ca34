//! Questions of the server since 2026-07-28: a result asks, and the request is made again with the
//! answers (multi-round-trip requests).

use serde_json::{Value, json};

use crate::{
    program::{Program, stateless},
    server::{Server, question},
};

/// A request with answers, spelled as no serializer spells it.
fn answering(id: u64, method: &str, name: &str, state: &str) -> String {
    let meta = stateless();
    let who = r#"{ "action": "accept", "content": {"name":"ringo","n":1.50} }"#;
    format!(
        r#"{{ "jsonrpc":"2.0", "id":{id}, "method":"{method}", "params":{{{name}, "inputResponses":{{"who":{who}}}, "requestState":"{state}", "_meta":{meta}}} }}"#
    )
}

#[tokio::test]
async fn a_program_answers_the_questions_in_results_of_the_server() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    for (method, name) in [
        ("tools/call", r#""name":"rounds""#),
        ("prompts/get", r#""name":"rounds""#),
        ("resources/read", r#""uri":"rounds""#),
    ] {
        let meta = stateless();
        let first = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{name},"_meta":{meta}}}}}"#
        );
        program.write(&first).await;
        assert_eq!(program.next_line().await, question(&json!(1), "first"), "as it came");

        let second = answering(2, method, name, "first");
        program.write(&second).await;
        let progress = program.next().await;
        assert_eq!(progress["method"], "notifications/progress");
        assert_eq!(program.next_line().await, question(&json!(2), "second"), "as it came");

        let third = answering(3, method, name, "second");
        program.write(&third).await;
        let (answer, before) = program.answer(3).await;
        assert_eq!(answer["result"]["answers"]["who"]["content"]["name"], "ringo");
        assert_eq!(before, Vec::<Value>::new());

        let seen = server.messages(method);
        let texts = seen.iter().map(|seen| &*seen.text);
        assert!(texts.eq([first, second, third]), "each is sent once, as it came: {seen:#?}");
        for seen in seen {
            let named = (&*seen.headers["mcp-method"], &*seen.headers["mcp-name"]);
            assert_eq!(named, (method, "rounds"), "not what the answers name");
        }
    }
    let ending = program.end().await;
    assert_eq!((ending.code, &*ending.stderr), (Some(0), ""));
}

#[tokio::test]
async fn a_question_that_is_not_answered_holds_nothing() {
    let server = Server::new().await;
    let mut program = Program::start(server.url());
    program.call_stateless(1, "rounds", json!({})).await;
    let (asked, _) = program.answer(1).await;
    assert_eq!(asked["result"]["resultType"], "input_required");
    // The program goes on with something else. The id of the question is free.
    program.call_stateless(1, "json", json!({})).await;
    let (answer, before) = program.answer(1).await;
    assert_eq!((&answer["result"], before), (&json!({ "content": [] }), Vec::<Value>::new()));
    assert_eq!(server.calls("rounds"), 1);
}
