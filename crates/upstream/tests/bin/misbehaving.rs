//! A server over stdio that does what the method of a request says, however bad. For the tests of
//! child processes. As `upstream-misbehaving gateway …` it is a gateway with servers, which a test
//! kills.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is for tests"
)]

use std::{
    io::{self, BufRead, Write},
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    thread,
    time::Duration,
};

use upstream::{
    child::{ChildConfig, Environment},
    link::stdio,
    warden::{Warden, run_if_asked},
};

fn main() -> ExitCode {
    if let Some(code) = run_if_asked(std::env::args_os()) {
        return code;
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|it| it == "gateway") {
        gateway(&arguments[1..]);
    }
    let is_staying = arguments.iter().any(|it| it == "--stay");
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        serve(&line);
    }
    if is_staying {
        rest();
    }
    ExitCode::SUCCESS
}

/// Does what `request` asks for, and answers it.
fn serve(request: &str) {
    let id = member(request, "id");
    let number = member(request, "number").parse::<usize>().unwrap_or(1);
    let answer = |result: &str| {
        // In one write, as threads write too.
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{result}}}\n");
        io::stdout().lock().write_all(line.as_bytes()).unwrap();
    };
    match member(request, "method").as_str() {
        "ping" => answer("{}"),
        "echo" => answer(request),
        "environment" => {
            let all: Vec<_> =
                std::env::vars().map(|(name, value)| format!("{name}={value}")).collect();
            let folder = std::env::current_dir().unwrap().display().to_string();
            answer(&format!("{{\"variables\":{all:?},\"folder\":{folder:?}}}"));
        }
        "hang" => {}
        "rest" => rest(),
        "exit" => std::process::exit(i32::try_from(number).unwrap()),
        "answer_and_exit" => {
            answer("{}");
            std::process::exit(0);
        }
        "garbage" => {
            for number in 0..number {
                println!("This is line {number} of no protocol.");
            }
            answer("{}");
        }
        "long" => answer(&format!("{:?}", "x".repeat(number))),
        "endless" => loop {
            print!("{}", "x".repeat(10_000));
        },
        "messages" => {
            for number in 0..number {
                println!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/n{number}\"}}");
            }
            answer("{}");
        }
        "flood" => loop {
            println!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/flood\"}}");
        },
        "errors" => {
            for number in 0..number {
                eprintln!("line {number} \u{1b}[31mof stderr");
            }
            answer("{}");
        }
        "fork" => answer(&grandchild(&["--stay"]).to_string()),
        "memory" => {
            let mut used = vec![0_u8; number];
            used.iter_mut().step_by(1_024).for_each(|byte| *byte = 1);
            answer("{}");
            rest();
        }
        other => answer(&format!("{other:?}")),
    }
}

/// Starts this program again, with the same stdout. Returns its number.
fn grandchild(arguments: &[&str]) -> u32 {
    let program = std::env::current_exe().unwrap();
    // Not its stdin: it is to stay when that is closed.
    let command = &mut Command::new(program);
    command.args(arguments).stdin(Stdio::null()).spawn().unwrap().id()
}

fn rest() -> ! {
    loop {
        thread::sleep(Duration::from_mins(1));
    }
}

/// The value of a member without nested ones, verbatim but for quotes.
fn member(message: &str, name: &str) -> String {
    let start = message.find(&format!("\"{name}\":")).map(|at| at + name.len() + 3);
    let rest = start.map_or("", |start| &message[start..]);
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    rest[..end].trim().trim_matches('"').to_owned()
}

/// Starts as many servers as the argument says, prints their processes, and waits to be killed.
fn gateway(arguments: &[String]) -> ! {
    let count: usize = arguments[0].parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let warden = Warden::of_this_program();
        let mut config = ChildConfig::new("test", std::env::current_exe().unwrap());
        config.environment =
            Environment::inherited(|name| (name == "PATH").then(|| "/usr/bin:/bin".into()));
        config.arguments = vec!["--stay".into()];
        let config = Arc::new(config);
        let mut links = Vec::new();
        for _ in 0..count {
            let mut link = stdio::open(&config, &warden).await.unwrap();
            let message = bytes::Bytes::from_static(b"{\"id\":1,\"method\":\"fork\"}");
            link.sender.send(upstream::link::Outgoing::new(message)).await.unwrap();
            let Some(upstream::link::Incoming::Message { message, .. }) =
                link.receiver.recv().await
            else {
                std::process::exit(1)
            };
            println!("{}", member(&String::from_utf8_lossy(&message), "result"));
            links.push(link);
        }
        println!("ready");
        io::stdout().flush().unwrap();
        std::future::pending::<()>().await;
    });
    rest()
}
