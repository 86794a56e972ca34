//! What a file imports: its `use` declarations, and the paths in its code.

use std::iter::Peekable;

/// One name that is imported, or all of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// The path, without the `*` of all names.
    pub(crate) path: Vec<String>,
    /// What it is called here; `None`: all names.
    pub(crate) name: Option<String>,
    /// Whether it only hands the name on (`pub use`).
    pub(crate) is_handed_on: bool,
}

/// The words and signs of `code`, with `::` as one; without the items that are for tests.
pub(crate) fn tokens(code: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut chars = code.chars().peekable();
    while let Some(first) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut token = String::from(first);
        if first.is_alphanumeric() || first == '_' {
            while let Some(next) = chars.next_if(|it| it.is_alphanumeric() || *it == '_') {
                token.push(next);
            }
        } else if first == ':' && chars.next_if_eq(&':').is_some() {
            token.push(':');
        }
        all.push(token);
    }
    without_tests(&all)
}

/// Without each item behind an attribute `cfg` that names `test`.
fn without_tests(all: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut index = 0;
    while index < all.len() {
        let is_attribute = all[index] == "#" && all.get(index + 1).is_some_and(|it| it == "[");
        if !is_attribute {
            kept.push(all[index].clone());
            index += 1;
            continue;
        }
        let end = closing(all, index + 1);
        let names = &all[index..end];
        let is_for_tests =
            names.iter().any(|it| it == "cfg") && names.iter().any(|it| it == "test");
        index = if is_for_tests && !names.iter().any(|it| it == "not") {
            item_end(all, end)
        } else {
            end
        };
    }
    kept
}

/// Behind the bracket that closes the one at `from`.
fn closing(all: &[String], from: usize) -> usize {
    let mut depth = 0;
    for (index, token) in all.iter().enumerate().skip(from) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    all.len()
}

/// Behind the item that begins at `from`: its `;`, or its block.
fn item_end(all: &[String], from: usize) -> usize {
    let mut index = from;
    while index < all.len() {
        match all[index].as_str() {
            ";" => return index + 1,
            "{" => {
                // The braces of a `use` have its `;` behind them.
                let end = closing(all, index);
                return if all.get(end).is_some_and(|it| it == ";") { end + 1 } else { end };
            }
            "(" | "[" => index = closing(all, index),
            _ => index += 1,
        }
    }
    index
}

/// The names of the modules that are declared, each with a file.
pub(crate) fn declared(tokens: &[String]) -> Vec<String> {
    let declared = tokens.windows(3).filter(|three| three[0] == "mod" && three[2] == ";");
    declared.map(|three| three[1].clone()).collect()
}

/// What is imported.
pub(crate) fn imports(tokens: &[String]) -> Vec<Import> {
    let mut imports = Vec::new();
    for (index, _) in tokens.iter().enumerate().filter(|(_, token)| *token == "use") {
        // `impl Trait + use<'a>` imports nothing.
        if tokens.get(index + 1).is_some_and(|it| it == "<") {
            continue;
        }
        let is_handed_on = index > 0 && (tokens[index - 1] == "pub" || tokens[index - 1] == ")");
        let mut rest = tokens[index + 1..].iter().map(String::as_str).peekable();
        tree(&mut rest, &[], is_handed_on, &mut imports);
    }
    imports
}

/// Reads one tree of a `use` declaration (The Rust Reference, "Use declarations").
fn tree<'a>(
    rest: &mut Peekable<impl Iterator<Item = &'a str>>,
    before: &[String],
    is_handed_on: bool,
    imports: &mut Vec<Import>,
) {
    let mut path = before.to_vec();
    while let Some(token) = rest.next() {
        match token {
            "::" => continue,
            "*" => {
                imports.push(Import { path, name: None, is_handed_on });
                return;
            }
            "{" => {
                while rest.peek().is_some_and(|it| *it != "}") {
                    tree(rest, &path, is_handed_on, imports);
                    rest.next_if_eq(&",");
                }
                rest.next();
                return;
            }
            name => path.push(name.to_owned()),
        }
        match rest.peek() {
            Some(&"::") => {}
            Some(&"as") => {
                rest.next();
                let name = rest.next().map(str::to_owned);
                imports.push(Import { path, name, is_handed_on });
                return;
            }
            _ => {
                if path.last().is_some_and(|it| it == "self") && path.len() > 1 {
                    path.pop();
                }
                let name = path.last().cloned();
                imports.push(Import { path, name, is_handed_on });
                return;
            }
        }
    }
}

/// The paths with more than one segment that are no part of a `use` declaration.
pub(crate) fn paths(tokens: &[String]) -> Vec<Vec<String>> {
    let is_word = |token: &String| token.starts_with(|it: char| it.is_alphabetic() || it == '_');
    let mut paths = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        if tokens[index] == "use" {
            index = item_end(tokens, index);
            continue;
        }
        let mut path = Vec::new();
        while tokens.get(index).is_some_and(is_word) {
            path.push(tokens[index].clone());
            index += 1;
            if tokens.get(index).is_none_or(|it| it != "::") {
                break;
            }
            index += 1;
        }
        if path.is_empty() {
            index += 1;
        } else if path.len() > 1 {
            paths.push(path);
        }
    }
    paths
}

#[test]
fn trees_of_imports_are_read() {
    let code = "use crate::{a::{self, B as C}, d::*};\npub(crate) use super::e::F;\n\
                #[cfg(test)]\nmod tests { use crate::g::H; }\nfn i() { j::k(l::M { n: 1 }) }";
    let tokens = tokens(code);
    let all = imports(&tokens);
    let shown: Vec<_> = all
        .iter()
        .map(|it| (it.path.join("::"), it.name.as_deref().unwrap_or("*"), it.is_handed_on))
        .collect();
    let shown: Vec<_> = shown.iter().map(|(path, name, on)| (path.as_str(), *name, *on)).collect();
    assert_eq!(
        shown,
        [
            ("crate::a", "a", false),
            ("crate::a::B", "C", false),
            ("crate::d", "*", false),
            ("super::e::F", "F", true),
        ]
    );
    let paths: Vec<_> = paths(&tokens).iter().map(|it| it.join("::")).collect();
    assert_eq!(paths, ["j::k", "l::M"]);
}
