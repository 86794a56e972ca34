//! Which of the global options have an effect on which command, and are shown in its help.

/// Whether the option `id` is shown for the command `path` (`users add`).
pub(super) fn concerns(path: &str, id: &str) -> bool {
    let verb = path.split(' ').next().unwrap_or_default();
    if matches!(path, "policy diff" | "config schema" | "config reference" | "completions" | "man")
    {
        return false;
    }
    match (id, verb) {
        (_, "run" | "gateway" | "config" | "init")
        | ("env_file" | "config", _)
        | ("resource", "connect" | "upstreams" | "tokens")
        | ("issuer" | "database_url", "users" | "clients" | "grants" | "tokens")
        | ("policy", "policy" | "upstreams") => true,
        ("policy", _) => {
            matches!(
                path,
                "users add" | "users show" | "users grant" | "users import" | "clients add"
            )
        }
        ("database_url", "audit") => path == "audit verify",
        ("upstream", "policy") => path != "policy reference",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use terminal::{Invocation, Program, help};

    use crate::args::definition;

    #[test]
    fn help_shows_the_options_that_have_an_effect() {
        let help = |path: &str| help::of(definition(&Invocation::workspace(Program::Server)), path);
        testkit::assert_options(
            &help,
            &[
                (
                    "users show",
                    &["--database-url", "--issuer", "--policy"],
                    &["--bind", "--issuers"],
                ),
                ("users grant", &["--until", "--policy"], &["--bind", "--issuers"]),
                ("users list", &["--database-url"], &["--bind", "--policy"]),
                ("run", &["--bind", "--policy", "--issuers"], &["--upstream"]),
                ("policy check", &["--policy", "--upstream"], &["--bind", "--database-url"]),
                ("policy diff", &["--output"], &["--policy", "--upstream", "--env-file"]),
                ("connect", &["--resource"], &["--bind", "--database-url"]),
                ("audit verify", &["--database-url", "--key"], &["--bind", "--policy"]),
                ("audit show", &["--env-file"], &["--database-url"]),
                ("init", &["--bind", "--resource", "--policy"], &["--upstream"]),
            ],
        );
    }
}
