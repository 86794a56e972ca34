//! Which of the global options have an effect on which command, and are shown in its help.

/// How tokens are obtained. They are shown for `login`; the other commands accept them too, since
/// they sign in where they must.
const OBTAINING: [&str; 9] = [
    "scope",
    "client_id",
    "client_secret_file",
    "client_metadata_url",
    "redirect_port",
    "redirect_host",
    "assume_pkce",
    "accept_resource",
    "allow_private",
];

/// Whether the option `id` is shown for the command `path` (`servers add`).
pub(super) fn concerns(path: &str, id: &str) -> bool {
    let verb = path.split(' ').next().unwrap_or_default();
    match verb {
        "completions" | "man" => false,
        "servers" => matches!(id, "output" | "env_file"),
        "status" => matches!(id, "url" | "output" | "token_file" | "env_file" | "token_store"),
        "logout" => !matches!(id, "token_file" | "yes" | "no_browser") && !is_obtaining(id),
        "login" => !matches!(id, "token_file" | "yes"),
        "bridge" => !matches!(id, "output" | "yes"),
        "explain" => !matches!(id, "yes" | "no_browser") && !is_obtaining(id),
        _ => !is_obtaining(id),
    }
}

fn is_obtaining(id: &str) -> bool {
    OBTAINING.contains(&id)
}

#[cfg(test)]
mod tests {
    use terminal::{Invocation, Program, help};

    use crate::args::definition;

    #[test]
    fn help_shows_the_options_that_have_an_effect() {
        let help = |path: &str| help::of(definition(&Invocation::workspace(Program::Client)), path);
        testkit::assert_options(
            &help,
            &[
                ("ping", &["--url", "--timeout", "--yes"], &["--client-secret-file"]),
                ("servers remove", &["--output"], &["--url", "--client-secret-file", "--yes"]),
                ("login", &["--client-secret-file", "--grant"], &["--token-file", "--yes"]),
                ("status", &["--token-store"], &["--timeout"]),
                ("man", &["--help"], &["--url", "--output"]),
            ],
        );
    }

    #[test]
    fn every_option_that_is_hidden_is_known() {
        let definition = definition(&Invocation::workspace(Program::Client));
        for id in super::OBTAINING {
            assert!(definition.get_arguments().any(|arg| arg.get_id() == id), "{id}");
        }
    }
}
