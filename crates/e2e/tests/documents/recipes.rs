//! `docs/recipes.md`, done by a machine; and the files of proxies of `docs/deploy.md` for one
//! machine.

use std::fs;

use crate::{pages::Page, shell::Shell, words::commands};

const PAGE: &str = "docs/recipes.md";

/// Sections that need what is not on this machine. Their configuration is read by another test.
const ELSEWHERE: &str = "Identity providers";

#[test]
fn each_recipe_works_as_it_is_printed() {
    let page = Page::read(PAGE);
    let (recipes, _) = page.text.split_once(&format!("\n## {ELSEWHERE}\n")).unwrap();
    let page = Page { name: page.name, text: recipes.to_owned() };
    let blocks = page.blocks();
    let mut sections: Vec<_> = blocks.iter().map(|block| block.section.clone()).collect();
    sections.dedup();
    assert!(sections.len() >= 5, "{sections:?}");
    for section in sections {
        let mut shell = Shell::new();
        shell.expect(0, "bartizan-server init && bartizan-token --save >/dev/null");
        shell.expect(0, "bartizan-server users add carol --name Carol --role admin");
        let blocks: Vec<_> = blocks.iter().filter(|block| block.section == section).collect();
        // Without the shell of SQLite there is no backup to make.
        let needs_sqlite = blocks.iter().any(|block| block.text.contains("deploy/backup"));
        if needs_sqlite && !shell.has("sqlite3") {
            continue;
        }
        shell.serve("bartizan-server");
        for (index, block) in blocks.iter().enumerate() {
            match block.language.as_str() {
                "sh" => shell.follow(block, blocks.get(index + 1).copied()),
                // A line of the server's log.
                "text" if block.text.starts_with("WARN") => shell.expect_log(&block.text),
                _ => {}
            }
        }
    }
}

/// The commands that make a proxy's file for two nodes one for this machine.
#[test]
fn the_files_of_proxies_become_those_of_one_machine() {
    let shell = Shell::new();
    let page = Page::read("docs/deploy.md");
    let blocks = page.blocks();
    let mut files = 0;
    for block in blocks.iter().filter(|it| it.text.starts_with("sed ")) {
        let (command, _) = block.text.split_once(" | sudo tee ").unwrap();
        let made = shell.expect(0, command);
        assert!(made.contains("127.0.0.1:8000") && made.contains("YOUR.HOST"), "{made}");
        assert!(!made.contains("10.0.0.") && !made.contains("mcp.example.com {"), "{made}");
        files += 1;
    }
    assert_eq!(files, 2);
}

/// The settings of one machine: those of `/etc/bartizan/env`, with either way to have tokens.
#[test]
fn the_settings_of_one_machine_are_accepted() {
    let shell = Shell::new();
    let page = Page::read("docs/deploy.md");
    let blocks = page.blocks();
    let is_environment = |text: &str| !text.trim().is_empty() && commands(text).is_empty();
    let files: Vec<_> = blocks.iter().filter(|it| is_environment(&it.text)).collect();
    let own = files.iter().find(|it| it.text.contains("SIGN_IN=on")).unwrap();
    let check = |settings: &str| {
        fs::write(shell.path("env"), settings).unwrap();
        let names = "-u BIND_ADDR -u MCP_RESOURCE -u JWT_ISSUER -u MCP_URL";
        shell.expect(0, &format!("env {names} bartizan-server --env-file env config check"));
    };
    check(&own.text);
    let elsewhere = files.iter().find(|it| it.text.contains("JWT_KEY_FILE")).unwrap();
    let taken = ["SIGN_IN=", "JWT_ISSUER=", "SIGNING_KEYS="];
    let kept = own.text.lines().filter(|line| !taken.iter().any(|it| line.starts_with(it)));
    let kept: String = kept.flat_map(|line| [line, "\n"]).collect();
    // A public key without OpenSSL.
    shell.expect(0, "bartizan-token rotate keys");
    let key = shell.path("keys/jwks.json").display().to_string();
    check(&(kept + &elsewhere.text.replace("/etc/bartizan/jwt.pub.pem", &key)));
}
