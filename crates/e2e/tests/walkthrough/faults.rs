//! What goes wrong at start: one clear error each, and an exit code.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use crate::world::World;

#[test]
fn a_missing_secret_says_how_to_make_one() {
    let world = World::empty();
    world.run("server", &[]).expect_code(2).expect_err(&["no key", "server init"]);
}

#[test]
fn a_placeholder_is_no_secret() {
    let world = World::empty();
    let example = include_str!("../../../../.env.example");
    fs::write(world.path(".env"), example).unwrap();
    world.run("server", &[]).expect_code(2).expect_err(&[
        "placeholder",
        "server init",
        "openssl rand",
    ]);
}

#[test]
fn all_faults_of_the_configuration_are_told_together() {
    let world = World::empty();
    let env = [
        ("JWT_SECRET", "short"),
        ("BIND_ADDR", "nowhere"),
        ("MCP_RESOURCE", "http://mcp.example/mcp"),
        ("JWT_ISSUER", "a\nb"),
        ("POLICY_FILE", "no-such-policy.toml"),
        ("LOG_FORMAT", "xml"),
        ("TRUSTED_PROXIES", "proxy.internal"),
        ("MAX_CALLS", "0"),
        ("MAX_CALLS_PER_CALLER", "many"),
        ("MAX_FAILED_AUTHENTICATIONS", "often"),
        ("LIMITS_STORE", "hush-hush@cache"),
    ];
    let names = [
        "JWT_SECRET",
        "BIND_ADDR",
        "MCP_RESOURCE",
        "JWT_ISSUER",
        "no-such-policy.toml",
        "LOG_FORMAT",
        "TRUSTED_PROXIES",
        "MAX_CALLS \"0\"",
        "MAX_CALLS_PER_CALLER \"many\"",
        "MAX_FAILED_AUTHENTICATIONS: not a rate",
        "LIMITS_STORE: write redis://HOST:6379",
    ];
    let said = world.run_with("server", &[], &env).expect_code(2).expect_err(&names);
    assert!(!said.err.contains("hush"), "the URL may have a password: {}", said.err);
    assert!(!said.err.contains("short\""), "no secret is shown, not even a bad one: {}", said.err);
}

#[test]
fn the_faults_of_the_issuers_file_are_told_with_those_of_the_rest() {
    let world = World::empty();
    let file = "[issuers.\"https://login.example\"]\npreset = \"github\"\nkyes = 1\n";
    fs::write(world.path("issuers.toml"), file).unwrap();
    let told = ["BIND_ADDR", "[issuers.\"https://login.example\"]: preset \"github\"", "kyes"];
    world
        .run_with("server", &["--issuers", "issuers.toml"], &[("BIND_ADDR", "nowhere")])
        .expect_code(2)
        .expect_err(&told);
}

#[test]
fn a_server_whose_issuer_is_away_starts_stops_and_is_not_ready_meanwhile() {
    let world = World::empty();
    let away = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let file = format!("[issuers.\"http://{away}\"]\n");
    fs::write(world.path("issuers.toml"), file).unwrap();
    let server = world.start(&["--issuers", "issuers.toml"], &[]);
    let log = server.log_with("The keys of the issuer cannot be fetched");
    assert!(log.contains(&format!("http://{away}")), "{log}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_resource_at_the_root_is_served_and_one_in_the_way_is_refused() {
    let world = World::ready();
    drop(world.start(&["--resource", "http://localhost:8000"], &[]));
    for path in ["/healthz", "/.well-known/x", "/:x", "/{x}"] {
        let resource = format!("http://localhost:8000{path}");
        world.run("server", &["--resource", &resource]).expect_code(2).expect_err(&["--resource"]);
    }
}

#[test]
fn a_key_file_in_the_environment_takes_the_place_of_the_secret_in_the_file() {
    let world = World::ready();
    let file = [("JWT_KEY_FILE", "no-such-key.pem")];
    world.run_with("server", &[], &file).expect_code(2).expect_err(&["no-such-key.pem"]);
    let both = [("JWT_KEY_FILE", "a"), ("JWT_SECRET", "b")];
    world.run_with("server", &[], &both).expect_code(2).expect_err(&["both set"]);
}

#[cfg(unix)]
#[test]
fn an_env_file_that_others_may_read_is_warned_about() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::ready();
    fs::set_permissions(world.path(".env"), fs::Permissions::from_mode(0o644)).unwrap();
    let server = world.start(&[], &[]);
    server.log_with("chmod 600");
}

#[test]
fn a_busy_port_is_named_with_what_to_do() {
    let world = World::ready();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    world.run("server", &["--bind", &address]).expect_code(3).expect_err(&[
        &address,
        "Another program listens there",
        "--bind",
        "MCP_RESOURCE and JWT_ISSUER",
    ]);
}

#[test]
fn a_misspelled_secret_is_named_and_no_new_file_is_offered() {
    let world = World::ready();
    let file = fs::read_to_string(world.path(".env")).unwrap();
    fs::write(world.path(".env"), file.replace("JWT_SECRET=", "JWT_SECERT=")).unwrap();
    let said = world.run("server", &[]).expect_code(2);
    said.expect_err(&["no key", "no program reads JWT_SECERT: did you mean JWT_SECRET?"]);
}

#[test]
fn a_policy_with_a_hole_does_not_start() {
    let world = World::ready();
    let policy = world.run("server", &["policy", "show"]).out;
    fs::write(world.path("hole.toml"), policy.replace("whoami = []", "")).unwrap();
    for args in [&["--policy", "hole.toml"][..], &["policy", "check", "--policy", "hole.toml"]] {
        world.run("server", args).expect_code(2).expect_err(&["no rule for tools/call whoami"]);
    }
}

#[test]
fn a_directory_that_is_no_database_is_left_alone() {
    let world = World::ready();
    let garbage = "this is not a database, and nobody may overwrite it".repeat(100);
    fs::write(world.path("garbage.db"), &garbage).unwrap();
    let args = ["--database-url", "sqlite://garbage.db"];
    world.run("server", &args).expect_code(4).expect_err(&["garbage.db"]);
    assert_eq!(fs::read_to_string(world.path("garbage.db")).unwrap(), garbage);
    let args = ["--database-url", "mysql://localhost/x"];
    world.run("server", &args).expect_code(2).expect_err(&["sqlite://", "postgres://"]);
    // Port 1 has no server.
    let args = ["--database-url", "postgres://app:hush@127.0.0.1:1/x"];
    let said = world.run("server", &args).expect_code(4).expect_err(&[
        "postgres://127.0.0.1:1/x",
        "cause: ",
        "refused",
    ]);
    assert!(!said.err.contains("hush"), "{}", said.err);
}

#[test]
fn a_line_that_is_no_setting_is_numbered_and_not_shown() {
    let world = World::empty();
    fs::write(world.path(".env"), "A=1\nhush hush\n").unwrap();
    let said = world.run("server", &[]).expect_code(2).expect_err(&[".env", "line 2"]);
    assert!(!said.err.contains("hush"), "{}", said.err);
}

#[test]
fn flags_beat_the_environment_which_beats_the_file_which_beats_the_default() {
    let world = World::ready();
    let shown = |args: &[&str], env: &[(&str, &str)]| {
        let policy_check = [&["policy", "check"], args].concat();
        world.run_with("server", &policy_check, env).err
    };
    let mut file = fs::read_to_string(world.path(".env")).unwrap();
    file += "POLICY_FILE=from-file.toml\n";
    fs::write(world.path(".env"), file).unwrap();
    assert!(shown(&[], &[]).contains("from-file.toml"));
    assert!(shown(&[], &[("POLICY_FILE", "from-env.toml")]).contains("from-env.toml"));
    let flag = shown(&["--policy", "from-flag.toml"], &[("POLICY_FILE", "from-env.toml")]);
    assert!(flag.contains("from-flag.toml"));
}

#[test]
fn a_refused_host_or_origin_is_logged_with_the_setting_that_lets_it_in() {
    let world = World::ready();
    let server = world.start(&[], &[]);
    let address = server.url.trim_start_matches("http://").trim_end_matches("/mcp").to_owned();
    for (headers, found, setting) in [
        ("host: mcp.example:80\r\n", "found=\"mcp.example:80\"", "MCP_RESOURCE"),
        (
            "host: localhost\r\norigin: https://app.example\r\n",
            "found=\"https://app.example\"",
            "ALLOWED_ORIGINS",
        ),
    ] {
        let mut connection = TcpStream::connect(&address).unwrap();
        let request = format!(
            "POST /mcp HTTP/1.1\r\n{headers}connection: close\r\ncontent-length: 2\r\n\r\n{{}}"
        );
        connection.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(!answer.contains("example"), "what came is for the log: {answer}");
        let log = server.log_with(found);
        let line = log.lines().find(|line| line.contains(found)).unwrap();
        assert!(line.contains(setting) && line.contains("expected="), "{line}");
    }
}

#[test]
fn a_server_that_listens_to_others_under_a_name_of_this_machine_warns() {
    let world = World::ready();
    let warning = "Clients on other machines are refused: set MCP_RESOURCE";
    let server = world.start_at("0.0.0.0:0", &[], &[("PLAIN_HTTP", "on")]);
    server.log_with(warning);
    drop(server);
    let server = world.start(&[], &[]);
    assert_eq!(server.terminate(), Some(0));
    let log = fs::read_to_string(world.path("server.log")).unwrap();
    assert!(log.contains("Stopped") && !log.contains(warning), "{log}");
}
