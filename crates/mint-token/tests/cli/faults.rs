//! What is wrong is said, together, with what to do; and the exit code is 2.

use crate::support::{Folder, SECRET};

const NO_FILE: &str = "note: there is no file .env\n";
const NEW_FILE: &str = "hint: `server init` makes a .env with a fresh secret where there is none\n";

#[test]
fn without_a_key_the_way_to_one_is_said() {
    Folder::empty().run(&[]).assert_failed(
        2,
        &format!("error: no key: set JWT_SECRET or JWT_KEY_FILE\n{NO_FILE}{NEW_FILE}"),
    );
}

#[test]
fn two_keys_are_one_too_many() {
    let both = [("JWT_KEY_FILE", "key.pem"), ("JWT_SECRET", "x")];
    let run = Folder::ready().run_in(&[], &both);
    run.assert_failed(2, "error: JWT_SECRET and JWT_KEY_FILE are both set: keep one\n");
}

#[test]
fn bad_secrets_are_refused_and_not_shown() {
    for (secret, why) in [
        ("<just-token-puts-a-fresh-secret-here>", "JWT_SECRET is a placeholder"),
        ("your-256-bit-secret-0123456789-abcdef", "JWT_SECRET is a placeholder"),
        ("hunter2-hunter2", "JWT_SECRET: the secret is shorter than 32 bytes"),
        ("base64url:hunter2!", "JWT_SECRET begins with base64url: but what follows is not"),
    ] {
        let run = Folder::empty().run_in(&[], &[("JWT_SECRET", secret)]);
        run.assert_refused(why);
        assert!(!run.err.contains(secret) && !run.err.contains("hunter2"), "{run:?}");
        if !secret.starts_with("base64url:") {
            assert!(run.err.contains("hint: delete .env first: `server init`"), "{run:?}");
        }
    }
}

#[test]
fn all_faults_are_said_together() {
    let issuer = "x".repeat(256);
    let variables =
        [("JWT_ISSUER", issuer.as_str()), ("MCP_RESOURCE", "HTTP://localhost:8000/mcp/")];
    let args = ["--claim", "a=1", "--claim", "a=2"];
    Folder::empty().run_in(&args, &variables).assert_failed(
        2,
        &format!(
            "error: JWT_ISSUER: the value is longer than 255 bytes. Set the issuer's URL, for example http://localhost:8000\n\
             error: MCP_RESOURCE: not canonical: write it as http://localhost:8000/mcp/. Set the server's URI, for example http://localhost:8000/mcp\n\
             error: no key: set JWT_SECRET or JWT_KEY_FILE\n\
             error: --claim a is given twice: a claim has one value; write a list as a:=[1,2]\n\
             {NO_FILE}{NEW_FILE}"
        ),
    );
    let args = ["--iss", "https://issuer.example", "--aud", "https://mcp.example/mcp"];
    let run = Folder::ready().run_in(&args, &variables);
    assert_eq!(run.code, 0, "a flag replaces a variable that is invalid: {run:?}");
}

#[test]
fn an_issuer_that_is_no_url_is_named_by_flag_or_variable() {
    let why = "this is not a URL. Set the issuer's URL, for example http://localhost:8000\n";
    let folder = Folder::ready();
    folder.run(&["--issuer", "foo"]).assert_failed(2, &format!("error: --issuer: {why}"));
    let run = folder.run_in(&[], &[("JWT_ISSUER", "localhost:8000")]);
    run.assert_failed(2, &format!("error: JWT_ISSUER: {why}"));
}

#[test]
fn a_role_that_the_policy_does_not_have_is_named_with_those_that_it_has() {
    let folder = Folder::ready();
    let token = folder.run(&["--scope", "User.Read"]).line().to_owned();
    folder.write("few.jwt", &token);
    let explain = ["explain", "few.jwt", "--tool", "get_time", "--user-role"];
    let asked = |role| folder.run(&[&explain[..], &[role]].concat());
    asked("boss").assert_refused("has no role \"boss\". It has admin, guest, user\n");
    asked("amdin").assert_refused("It has admin, guest, user; did you mean admin?");
    // A hint names the file that was given.
    let run = asked("admin");
    assert_eq!(run.code, 4, "{run:?}");
    let hint = "`mint-token --like few.jwt --scope 'Admin.Write User.Read'`";
    assert!(run.out.contains(hint), "{run:?}");
}

#[test]
fn the_hint_of_a_missing_scope_leads_to_a_token_that_loses_none() {
    let folder = Folder::ready();
    folder.write("few.jwt", folder.run(&["--scope", "User.Read", "--sub", "bob"]).line());
    let explain = |token: &str, tool: &str| {
        folder.run(&["explain", token, "--tool", tool, "--user-role", "admin"])
    };
    let refused = explain("few.jwt", "get_time");
    assert_eq!(refused.code, 4, "{refused:?}");
    let command = refused.out.split('`').nth(1).unwrap();
    let words = command.strip_prefix("mint-token ").unwrap();
    // The only word with a space in it is quoted, and the last.
    let (flags, scopes) = words.split_once(" '").unwrap();
    let args: Vec<&str> = flags.split(' ').chain([scopes.trim_end_matches('\'')]).collect();
    folder.write("more.jwt", folder.run(&args).line());
    for tool in ["get_time", "whoami"] {
        assert_eq!(explain("more.jwt", tool).code, 0, "{tool}");
    }
    let more = folder.run(&["inspect", "more.jwt"]).out;
    for text in ["Admin.Write\n", "User.Read\n", "bob\n"] {
        assert!(more.contains(text), "{text}: {more}");
    }
}

#[test]
fn a_secret_in_the_wrong_variable_is_not_shown() {
    for name in ["MCP_RESOURCE", "MCP_URL"] {
        let run = Folder::ready().run_in(&[], &[(name, SECRET)]);
        assert_eq!(run.code, if name == "MCP_RESOURCE" { 2 } else { 0 });
    }
}

#[test]
fn a_line_of_the_file_that_cannot_be_read_is_numbered_and_not_shown() {
    let folder = Folder::empty();
    folder.write(".env", &format!("LOG_FORMAT=json\nJWT_SECRET {SECRET} x\n"));
    folder.run(&[]).assert_failed(
        2,
        "error: .env: line 2 is not NAME=value (a value with spaces or # needs quotes). Correct it, or \
         name another file with --env-file\n",
    );
}

#[test]
fn bad_flags_are_refused_with_the_reason() {
    for (args, why) in [
        (["--ttl", "0"], "the duration must be longer than zero"),
        (["--ttl", "-5m"], "not a duration: write it like 90s, 15m, 12h or 7d"),
        (["--ttl", "soon"], "not a duration"),
        (["--ttl", "99999999999999999999d"], "the duration is at most 36500d"),
        (["--scope", "a  b"], "scopes are separated by exactly one space"),
        (["--scope", "a\"b"], "is not allowed in a scope"),
        (["--sub", ""], "the value is empty"),
        (["--role", ""], "the value is empty"),
        (["--client-id", "a\nb"], "the value has a control character"),
        (["--name", "a\u{1b}b"], "a name has no control characters"),
        (["--iss", ""], "the value is empty"),
        (
            ["--aud", "HTTPS://mcp.example/mcp"],
            "not canonical: write it as https://mcp.example/mcp",
        ),
        (["--aud", "http://mcp.example/mcp"], "plain http is for localhost only: use https"),
        (["--aud", "https://mcp.example/mcp#x"], "no user, password, query or fragment"),
        (["--aud", "mcp"], "not an absolute http or https URL"),
        (["--claim", "tenant"], "write it as name=text or as name:=json"),
        (["--claim", "a:=x"], "what follows := is not JSON"),
        (["--claim", "sub=x"], "the claim sub has a flag of its own: use --sub"),
        (["--claim", "roles:=[]"], "use --role"),
        (["--claim", "iat:=1"], "the claim iat is set for every token and cannot be chosen"),
        (["--output", "yaml"], "[possible values: text, json]"),
        (["--nonsense", "x"], "unexpected argument '--nonsense'"),
        (["nonsense", "x"], "unrecognized subcommand 'nonsense'"),
    ] {
        Folder::ready().run(&args).assert_refused(why);
    }
}

#[test]
fn a_secret_on_the_command_line_is_not_taken_and_not_repeated() {
    for flag in ["--secret", "--jwt-secret", "--password"] {
        Folder::empty()
            .run(&[flag, SECRET])
            .assert_refused("secrets are not taken from the command line");
        Folder::empty()
            .run(&[&format!("{flag}={SECRET}")])
            .assert_refused("set JWT_SECRET in .env");
    }
}

#[test]
fn a_token_that_no_server_would_read_is_not_made() {
    let claim = format!("x={}", "y".repeat(9000));
    Folder::ready().run(&["--claim", &claim, "--save"]).assert_failed(
        2,
        "error: the token would be longer than 8192 bytes. Leave out some --claim, --scope or --role\n",
    );
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_exit_1() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Folder::ready().command(&[], &[]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("error: standard output cannot be written: "), "{err}");
}
