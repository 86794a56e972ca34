//! The examples in help texts are commands that their program accepts.

use std::fmt::Display;

/// Asserts that each help text (a command, and its text) has at least `least` examples of that
/// command and no Markdown, and that `parse` accepts every command of the program whose name
/// `placeholder` has.
///
/// # Panics
/// An example is missing or is not accepted, or there is Markdown.
#[track_caller]
pub fn assert_examples<E: Display>(
    texts: &[(String, String)],
    placeholder: &str,
    least: usize,
    parse: &dyn Fn(&[String]) -> Result<(), E>,
) {
    let mut faults = Vec::new();
    for (verb, text) in texts {
        let commands = commands(text, placeholder);
        let own = verb.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>();
        let is_own =
            |command: &&Vec<String>| own.iter().all(|word| command.iter().any(|it| it == word));
        let count = commands.iter().filter(is_own).count();
        if count < least {
            faults.push(format!("{verb}: {count} examples"));
        }
        if text.contains('`') {
            faults.push(format!("{verb}: a terminal does not show Markdown"));
        }
        for command in commands {
            if let Err(fault) = parse(&command) {
                faults.push(format!("{verb}: {command:?}: {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(!texts.is_empty());
}

/// The commands of a program in the indented lines of `text`, each as its words.
fn commands(text: &str, placeholder: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    let lines = lines.map(|line| line.split('\t').next().unwrap_or_default());
    let mut commands = Vec::new();
    for line in lines {
        for (at, _) in line.match_indices(placeholder) {
            // Not where the program is only named, as in JSON.
            if line[..at].ends_with('"') {
                continue;
            }
            commands.push(words(&line[at..]));
        }
    }
    commands
}

/// The words of the first command in a line of a shell, without its redirections.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for next in line.chars() {
        match (quote, next) {
            (Some(open), next) if open == next => quote = None,
            (None, '"' | '\'') => {
                quote = Some(next);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '<' | '>' | ')' | ';') => break,
            (_, next) => word.get_or_insert_default().push(next),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_of_the_program() {
        let text =
            "Examples:\n  {x} a \"b c\" > file\texplained\n  T=$({x}) | {x} d --e \"\"\n{x} f";
        let found: Vec<_> = commands(text, "{x}").iter().map(|words| words.join("/")).collect();
        assert_eq!(found, ["{x}/a/b c", "{x}", "{x}/d/--e/"]);
    }

    #[test]
    #[should_panic(expected = "run: 1 examples")]
    fn a_missing_example_is_found() {
        let texts = [("run".to_owned(), "  {x} run".to_owned())];
        assert_examples::<String>(&texts, "{x}", 2, &|_| Ok(()));
    }

    #[test]
    #[should_panic(expected = "Markdown")]
    fn markdown_is_found() {
        let texts = [("run".to_owned(), "  {x} run\nSee `x`".to_owned())];
        assert_examples::<String>(&texts, "{x}", 1, &|_| Ok(()));
    }

    #[test]
    #[should_panic(expected = "wrong")]
    fn an_example_that_is_not_accepted_is_found() {
        let texts = [("run".to_owned(), "  {x} run".to_owned())];
        assert_examples(&texts, "{x}", 1, &|_| Err("wrong"));
    }
}
