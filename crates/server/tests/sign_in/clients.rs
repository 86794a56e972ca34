//! The exchanges of each client, replayed: a test for each client, every list of it.

use std::{collections::BTreeSet, fs};

use crate::{
    documents::Documents,
    exchange::{Exchange, folder},
    replay::Replay,
};

/// A test for each client.
macro_rules! clients {
    ($($name:ident: $file:literal,)*) => {
        const FILES: &[&str] = &[$($file),*];
        $(
            #[tokio::test]
            async fn $name() {
                replay($file).await;
            }
        )*
    };
}

clients! {
    ai_sdk_signs_in: "ai-sdk-mcp-2.0.99.json",
    our_client_signs_in: "client-0.1.0.json",
    cline_signs_in: "cline-core-0.0.86.json",
    codex_signs_in: "codex-0.171.0.json",
    chatgpt_signs_in: "described-chatgpt.json",
    claude_code_signs_in: "described-claude-code-2.1.json",
    claude_on_the_web_signs_in: "described-claude-web.json",
    copilot_cli_signs_in: "described-copilot-cli-1.0.json",
    cursor_signs_in: "described-cursor.json",
    goose_signs_in: "described-goose.json",
    librechat_signs_in: "described-librechat.json",
    vs_code_signs_in: "described-vscode-1.139.1.json",
    zed_signs_in: "described-zed.json",
    fastmcp_signs_in: "fastmcp-4.2.3.json",
    gemini_cli_signs_in: "gemini-cli-0.61.0.json",
    inspector_signs_in: "inspector-2.12.0.json",
    mcp_remote_signs_in: "mcp-remote-0.15.1.json",
    mcpc_signs_in: "mcpc-0.2.6.json",
    mcporter_signs_in: "mcporter-0.12.3.json",
    opencode_signs_in: "opencode-1.18.33.json",
    python_sdk_1_signs_in: "python-mcp-1.30.0.json",
    python_sdk_2_signs_in: "python-mcp-2.3.0.json",
    typescript_client_2_signs_in: "ts-client-2.4.0.json",
    typescript_sdk_1_signs_in: "ts-sdk-1.32.2.json",
}

#[test]
fn every_exchange_is_replayed() {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = paths.filter(|path| path.extension().is_some_and(|it| it == "json"));
    let names = files.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let found: BTreeSet<_> = names.collect();
    let replayed: BTreeSet<_> = FILES.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(found, replayed);
}

/// Replays every list of a file, each as a client and a person of their own.
async fn replay(file: &str) {
    let exchange = Exchange::read(file);
    let documents = Documents::serve().await;
    let program = documents.program();
    for name in exchange.names() {
        println!("{file}: {name}");
        Replay::new(&program, &exchange).run(name).await;
    }
}
