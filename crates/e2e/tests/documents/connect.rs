//! `docs/clients.md` prints what `bartizan-server connect` prints.

use serde_json::Value;

use crate::{
    pages::{Block, Page},
    shell::Shell,
};

const PAGE: &str = "docs/clients.md";

#[test]
fn the_page_has_what_the_program_prints() {
    let page = Page::read(PAGE);
    let blocks = page.blocks();
    let mut shell = Shell::new();
    let programs = shell.expect(2, "bartizan-server connect nothing");
    let programs = programs.split_once("possible values: ").unwrap().1;
    let programs: Vec<_> = programs.split_once(']').unwrap().0.split(", ").collect();
    assert!(programs.len() > 10, "{programs:?}");
    for program in programs {
        let command = format!("bartizan-server connect {program} --output json");
        let said =
            shell.run(&format!("MCP_RESOURCE= {command} --resource https://mcp.example/mcp"));
        let said: Value = serde_json::from_str(&said.text).unwrap();
        assert_printed(&page, &blocks, program, &said);
    }
    shell.follow(&blocks[0], None);
}

/// Asserts that the section of a program has its commands, its file, and the content of that.
#[track_caller]
fn assert_printed(page: &Page, blocks: &[Block], program: &str, said: &Value) {
    let title = format!("(`{program}`)");
    let section: Vec<_> = blocks.iter().filter(|it| it.section.ends_with(&title)).collect();
    assert!(!section.is_empty(), "{PAGE} has no section {title} with a block");
    let commands: Vec<_> = said["commands"].as_array().unwrap().iter().map(text).collect();
    for command in commands {
        let is_there = |block: &&Block| {
            block.language == "sh" && block.text.lines().any(|line| line == command)
        };
        assert!(section.iter().any(is_there), "{program}: {command}");
    }
    if let Some(file) = said["file"].as_str() {
        assert!(page.text.contains(&format!("`{file}`")), "{program}: {file}");
    }
    let content = &said["content"];
    let is_content = |block: &Block| match content {
        Value::String(text) => block.text.trim_end() == text.trim_end(),
        _ => serde_json::from_str::<Value>(&block.text).is_ok_and(|it| it == *content),
    };
    assert!(content.is_null() || section.iter().any(|it| is_content(it)), "{program}: {content:#}");
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
