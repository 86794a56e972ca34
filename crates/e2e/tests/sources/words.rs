//! Words that are not said here: `docs/glossary.md` lists them, and what to say instead.

use std::{collections::BTreeMap, fs, path::Path};

use crate::files::{assert_kept, below, root, shown};

/// The page with the list, which is not searched.
const GLOSSARY: &str = "docs/glossary.md";

#[test]
fn code_is_in_plain_words() {
    let banned = banned();
    assert_kept(|name| {
        let sources = below(&root().join("crates").join(name).join("src"), "rs");
        sources.iter().flat_map(|path| said(&banned, path)).collect()
    });
}

#[test]
fn documents_are_in_plain_words() {
    let banned = banned();
    let mut pages = below(&root().join("docs"), "md");
    pages.retain(|path| shown(path) != GLOSSARY);
    let others = ["README.md", ".env.example", "crates/bartizan/README.md"];
    pages.extend(others.map(|name| root().join(name)));
    let said: Vec<_> = pages.iter().flat_map(|path| said(&banned, path)).collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

/// The list: each word or phrase as its tokens.
fn banned() -> Vec<Vec<String>> {
    let glossary = fs::read_to_string(root().join(GLOSSARY)).unwrap();
    let (_, list) = glossary.split_once("```banned\n").unwrap();
    let (list, _) = list.split_once("```").unwrap();
    let words = |line| tokens(line).into_iter().map(|(_, token)| token).collect();
    let banned: Vec<_> = list.lines().map(words).collect();
    assert!(banned.len() > 20 && banned.iter().all(|it: &Vec<_>| !it.is_empty()));
    banned
}

/// Where a file has one of the words, with its line.
fn said(banned: &[Vec<String>], path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let found = found(banned, &text).into_iter();
    found.map(|(line, word)| format!("{}:{line}: {word}", shown(path))).collect()
}

/// The words of the list that `text` has, each with its line, in whatever letter case and also
/// across lines. What is quoted as a whole is a name, such as the account `nobody`.
fn found(banned: &[Vec<String>], text: &str) -> Vec<(usize, String)> {
    let mut by_first = BTreeMap::<_, Vec<_>>::new();
    for phrase in banned {
        by_first.entry(&phrase[0]).or_default().push(phrase);
    }
    let all = tokens(text);
    let at = |index: usize| all.get(index).map(|(_, token)| token.as_str());
    let mut found = Vec::new();
    for (index, (line, first)) in all.iter().enumerate() {
        for phrase in by_first.get(first).into_iter().flatten() {
            let here = all[index..].iter().take(phrase.len()).map(|(_, token)| token);
            let before = index.checked_sub(1).and_then(at);
            let is_name = ["`", "\""]
                .iter()
                .any(|quote| before == Some(quote) && at(index + phrase.len()) == Some(quote));
            if here.eq(phrase.iter()) && !is_name {
                found.push((*line, phrase.join(" ")));
            }
        }
    }
    found
}

/// The words of a text in lower case, and its signs, each with its line; without what begins a
/// comment.
fn tokens(text: &str) -> Vec<(usize, String)> {
    let mut tokens = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start().trim_start_matches(['/', '!', '#', '>', '*', '-']);
        let mut chars = line.chars().peekable();
        while let Some(first) = chars.next() {
            if first.is_whitespace() {
                continue;
            }
            let is_word = |it: &char| it.is_alphanumeric() || *it == '_';
            let mut token = String::from(first);
            while is_word(&first) && chars.peek().is_some_and(is_word) {
                token.extend(chars.next());
            }
            tokens.push((index + 1, token.to_lowercase()));
        }
    }
    tokens
}

#[test]
fn words_and_phrases_are_found() {
    let banned: Vec<Vec<String>> = ["dear", "first sight", "odd:", "issuers' file"]
        .map(|line| tokens(line).into_iter().map(|(_, token)| token).collect())
        .into();
    let text =
        "// Dear, dearest, a_dear, `dear`\n/// at first\n/// sight: odd. Odd: the issuers' file";
    let found = found(&banned, text);
    let found: Vec<_> = found.iter().map(|(line, word)| (*line, word.as_str())).collect();
    assert_eq!(found, [(1, "dear"), (2, "first sight"), (3, "odd :"), (3, "issuers ' file")]);
}
