//! Configuration that documents print can be read.

use std::fs;

use crate::{
    pages::{Block, Page},
    shell::Shell,
};

fn blocks(language: &str) -> Vec<Block> {
    let blocks = Page::all().into_iter().flat_map(|page| page.blocks());
    blocks.filter(|block| block.language == language).collect()
}

#[test]
fn toml_is_toml_and_json_is_json() {
    let mut faults = Vec::new();
    for block in blocks("toml") {
        let parsed = block.text.parse::<toml::Table>();
        faults.extend(parsed.err().map(|error| format!("{}: {error}", block.at)));
    }
    for block in blocks("json") {
        let parsed = serde_json::from_str::<serde_json::Value>(&block.text);
        faults.extend(parsed.err().map(|error| format!("{}: {error}", block.at)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn scripts_are_what_a_shell_can_read() {
    let shell = Shell::new();
    for block in blocks("sh") {
        // A key that is pressed.
        fs::write(shell.path("script"), block.text.replace("<TAB>", "")).unwrap();
        let said = shell.run("bash -n script");
        assert_eq!(said.code, Some(0), "{}: {}", block.at, said.text);
    }
}

/// Parses a file of Python, in which `await` may stand outside a function.
const PARSE_PYTHON: &str = "import ast, sys; text = open(sys.argv[1]).read(); \
     compile(text, sys.argv[1], 'exec', ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)";
/// Parses a file of YAML, where Python has the means.
const PARSE_YAML: &str = "import sys, importlib.util as util; \
     util.find_spec('yaml') and __import__('yaml').safe_load(open(sys.argv[1]))";

#[test]
fn programs_and_settings_of_other_vendors_can_be_read() {
    let shell = Shell::new();
    let parsers = [
        ("python", "python3", "block.py", format!("python3 -c \"{PARSE_PYTHON}\" block.py")),
        ("yaml", "python3", "block.yaml", format!("python3 -c \"{PARSE_YAML}\" block.yaml")),
        // What is printed has no types, so it is JavaScript, too.
        ("ts", "node", "block.mjs", "node --check block.mjs".to_owned()),
    ];
    for (language, program, file, parse) in parsers {
        let blocks = blocks(language);
        assert!(!blocks.is_empty(), "{language}");
        if !shell.has(program) {
            continue;
        }
        for block in blocks {
            fs::write(shell.path(file), &block.text).unwrap();
            let said = shell.run(&parse);
            assert_eq!(said.code, Some(0), "{}: {}", block.at, said.text);
        }
        fs::write(shell.path(file), "({[ :").unwrap();
        let said = shell.run(&parse);
        assert!(said.code != Some(0) || language == "yaml", "{language} is not read");
    }
}

/// Each section for an issuer or a provider is one that the server accepts.
#[test]
fn sections_of_identity_providers_are_accepted_by_the_server() {
    let pages = ["README.md", "docs/recipes.md", "docs/issuers.md", "docs/sign-in-providers.md"];
    let shell = Shell::new();
    shell.expect(0, "bartizan-server init");
    let mut count = 0;
    for block in pages.iter().flat_map(|name| Page::read(name).blocks()) {
        let is_whole = ["[issuers.", "[sign_in."].iter().any(|it| block.text.starts_with(it));
        if block.language != "toml" || !is_whole || block.text.contains(".introspection]") {
            continue;
        }
        fs::write(shell.path("bartizan.toml"), &block.text).unwrap();
        let secrets: String = block
            .text
            .split('"')
            .filter(|it| it.ends_with("_SECRET"))
            .fold(String::new(), |all, name| all + name + "=a-secret-of-a-test-0123456789 ");
        let said = shell.run(&format!("{secrets} bartizan-server config check"));
        assert_eq!(said.code, Some(0), "{}\n{}\n{}", block.at, block.text, said.text);
        count += 1;
    }
    assert!(count >= 15, "{count} sections");
}
