//! Simple commands of a shell script: enough of the language (POSIX, "Shell Command Language") for
//! what documents print.

/// The simple commands of a script, each as its words. Assignments and redirections before and in a
/// command are left out; what is in `$(…)` or `<(…)` is a command of its own.
pub(crate) fn commands(script: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut is_redirected = false;
    let mut chars = script.replace("\\\n", " ").chars().collect::<Vec<_>>().into_iter().peekable();
    let mut here_document: Option<String> = None;
    while let Some(next) = chars.next() {
        match next {
            '\'' => {
                word.get_or_insert_default().extend(chars.by_ref().take_while(|it| *it != '\''));
            }
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(inner) = chars.next().filter(|it| *it != '"') {
                    word.push(if inner == '\\' { chars.next().unwrap_or('\\') } else { inner });
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '#' if word.is_none() => while chars.next_if(|it| *it != '\n').is_some() {},
            ' ' | '\t' | '\n' | ';' | '|' | '&' | '(' | ')' | '<' | '>' => {
                let mut done = word.take();
                if next == '(' {
                    done = done.map(|it| it.trim_end_matches('$').to_owned());
                }
                if let Some(done) = done.filter(|it| !it.is_empty() || next != '(') {
                    match (is_redirected, commands.last_mut()) {
                        (false, Some(command)) => command.push(done),
                        (true, _) if here_document.as_deref() == Some("") => {
                            here_document = Some(done);
                        }
                        _ => {}
                    }
                    is_redirected = false;
                }
                match next {
                    '\n' | ';' | '|' | '&' | '(' | ')' => {
                        is_redirected = false;
                        commands.push(Vec::new());
                    }
                    '<' if chars.next_if_eq(&'<').is_some() => {
                        (is_redirected, here_document) = (true, Some(String::new()));
                    }
                    '<' | '>' => is_redirected = chars.peek() != Some(&'('),
                    _ => {}
                }
                if next == '\n'
                    && let Some(end) = here_document.take()
                {
                    let rest: String = chars.by_ref().collect();
                    let (_, rest) = rest.split_once(&format!("\n{end}\n")).unwrap_or_default();
                    chars = rest.chars().collect::<Vec<_>>().into_iter().peekable();
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    if let (Some(done), Some(command)) = (word, commands.last_mut()) {
        command.push(done);
    }
    for command in &mut commands {
        let is_assignment = |word: &String| {
            let name = word.split_once('=').map_or("", |(name, _)| name);
            !name.is_empty() && name.bytes().all(|it| it.is_ascii_uppercase() || it == b'_')
        };
        let first = command.iter().position(|word| !is_assignment(word)).unwrap_or(command.len());
        command.drain(..first);
    }
    commands.retain(|command| !command.is_empty());
    commands
}

#[test]
fn words_are_those_of_a_shell() {
    let script = "A=1 run 'a b' \"c\\\"d\" e\\ f # not this\nx | y >file z && A=2; s <(t u)\nb=$(v \\\n w) >>o\ncat >f <<'END'\nno command\nEND\nlast";
    let found = commands(script);
    let found: Vec<_> = found.iter().map(|words| words.join("/")).collect();
    assert_eq!(found, ["run/a b/c\"d/e f", "x", "y/z", "s", "t/u", "b=", "v/w", "cat", "last"]);
}
