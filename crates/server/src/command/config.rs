//! `server config …`: check the configuration, show where each value comes from, and print its
//! schema.

use auth_core::{Clock, NumericDate, ResourceUri};
use issuer_setup::sections;
use serde_json::json;
use settings::{
    CONFIG_FILE, EnvFile, Environment, Origin, Program, Variable, has_password, reference, schema,
};
use terminal::{Screen, table::Table};

use crate::{
    args::{ConfigCommand, OutputFormat, RunArgs},
    command::context::write_json,
    config::{
        issuers,
        settings::{Config, ConfigError},
        upstreams::{self, UpstreamConfig},
    },
    failure::Failure,
    gateway::GatewayLimits,
    mcp::server::McpServer,
    telemetry::log,
};

/// Printed in place of a secret.
const HIDDEN: &str = "(hidden)";

pub(crate) fn config(
    command: &ConfigCommand,
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
    clock: &dyn Clock,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check => check(args, env_file, environment, clock.now(), out),
        ConfigCommand::Show { output } => show(args, env_file, environment, *output, out),
        ConfigCommand::Schema => {
            let (providers, assertions) =
                (sections::provider_schema(), sections::assertion_schema());
            let (issuer, upstream) = (issuers::section_schema(), upstreams::section_schema());
            write_json(&schema(&issuer, &providers, &assertions, &upstream), out)
        }
        ConfigCommand::Reference => out.write_all(reference().as_bytes()).map_err(Failure::output),
    }
}

/// Reports every error; exit code 2 if there is one.
fn check(
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
    now: NumericDate,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let mut errors: Vec<String> = log::check(environment).err().into_iter().collect();
    // What is wrong with the resource is reported with the other settings.
    let own = args.resource.as_deref().or(environment.get(Variable::McpResource));
    let upstreams = match own.unwrap_or_default().parse::<ResourceUri>() {
        Ok(own) => upstreams::load(args, environment, &own, &mut errors),
        Err(_) => Vec::new(),
    };
    errors.extend(upstreams.iter().flat_map(UpstreamConfig::missing).cloned());
    if let Err(ConfigError(found)) = GatewayLimits::read(environment) {
        errors.extend(found);
    }
    let (config, found) = match Config::resolve(args, environment, &McpServer::offers()) {
        Ok(config) => (Some(config), Vec::new()),
        Err(ConfigError(found)) => (None, found),
    };
    let Some(config) = config.filter(|_| errors.is_empty()) else {
        let without = without_files(env_file, environment);
        return Err(ConfigError(found.into_iter().chain(errors).chain(without).collect()).into());
    };
    for warning in warnings(&config, env_file, environment, now) {
        writeln!(out, "warning: {warning}").map_err(Failure::output)?;
    }
    writeln!(out, "ok: {}", config.protection()).map_err(Failure::output)?;
    for upstream in upstreams {
        let (name, resource, policy) = (upstream.name, upstream.resource, upstream.policy);
        writeln!(out, "ok: [upstreams.{name}] at {resource}, by {}", policy.display())
            .map_err(Failure::output)?;
    }
    Ok(())
}

/// What is valid but probably unintended, as far as it is known before the start.
fn warnings(
    config: &Config,
    env_file: &EnvFile,
    environment: &Environment,
    now: NumericDate,
) -> Vec<String> {
    let path = env_file.path().display();
    let open = format!("other users can read {path}, which may hold secrets: `chmod 600 {path}`");
    let misspelled = environment.misspelled().into_iter();
    let misspelled = misspelled
        .map(|(name, meant)| format!("no program reads {name} in {path}: did you mean {meant}?"));
    let certificate = config.transport.warnings(&config.resource, now);
    let open = env_file.is_open_to_others().then_some(open);
    open.into_iter().chain(misspelled).chain(certificate).collect()
}

/// What is said beside errors where no file was read: the settings may be in another folder.
fn without_files(env_file: &EnvFile, environment: &Environment) -> Option<String> {
    let config = environment.config().path();
    let is_without = config.as_os_str().is_empty() && !env_file.exists();
    is_without.then(|| {
        format!(
            "no settings were read from a file, as there is neither {} nor a {CONFIG_FILE} beside \
             it: name the file with --env-file or --config",
            env_file.path().display()
        )
    })
}

/// One setting, as it is shown.
struct Shown {
    variable: Variable,
    value: Option<String>,
    origin: String,
}

fn show(
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let reads = |variable: &Variable| variable.setting().programs.contains(&Program::Server);
    let settings = Variable::ALL.into_iter().filter(reads);
    let settings = settings.map(|variable| shown(variable, args, env_file, environment));
    match output {
        OutputFormat::Json => {
            let settings = settings.map(|it| {
                let setting = it.variable.setting();
                json!({
                    "variable": setting.name,
                    "key": setting.toml.map(|(section, key)| format!("{section}.{key}")),
                    "value": it.value,
                    "source": it.origin,
                })
            });
            write_json(&settings.collect::<Vec<_>>(), out)
        }
        OutputFormat::Text => {
            let rows = settings.map(|it| {
                [it.variable.name().to_owned(), it.value.unwrap_or_else(|| "-".into()), it.origin]
            });
            let head = ["SETTING", "VALUE", "SOURCE"];
            let table = Table::new(head).rows(rows).within(out.columns());
            write!(out, "{table}").map_err(Failure::output)
        }
    }
}

fn shown(
    variable: Variable,
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
) -> Shown {
    let flag = args.flag(variable);
    let value = flag.as_deref().or(environment.get(variable));
    let is_secret = variable.setting().is_secret || value.is_some_and(has_password);
    let value = value.map(|value| if is_secret { HIDDEN.to_owned() } else { value.to_owned() });
    let origin = match environment.origin(variable) {
        _ if flag.is_some() => "flag".to_owned(),
        Origin::Environment => "environment".to_owned(),
        Origin::EnvFile => env_file.path().display().to_string(),
        Origin::ConfigFile(line) => {
            format!("{} line {line}", environment.config().path().display())
        }
        Origin::Default => "default".to_owned(),
    };
    Shown { variable, value, origin }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use settings::ConfigFile;

    use super::*;

    const SECRET: &str = "0123456789abcdefghijklmnopqrstuv-a-secret";

    fn environment(text: &str) -> Environment {
        let pairs = [
            ("JWT_SECRET".to_owned(), SECRET.to_owned()),
            ("MAX_CONNECTIONS".to_owned(), "9".to_owned()),
        ];
        let config = ConfigFile::parse(Path::new("bartizan.toml"), text.to_owned());
        Environment::from_pairs(pairs).with_config(config)
    }

    fn run(command: &ConfigCommand, args: &RunArgs, text: &str) -> Result<String, Failure> {
        let mut out = Vec::new();
        config(
            command,
            args,
            &EnvFile::at("none/.env"),
            &environment(text),
            &auth_core::SystemClock,
            &mut out,
        )?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn each_value_is_shown_with_where_it_comes_from_and_no_secret() {
        let text = "[log]\nlevel = \"warn\"\n[limits]\nmax_connections = 3\n";
        let args = RunArgs { bind: Some("127.0.0.1:1".into()), ..RunArgs::default() };
        let show = |output| run(&ConfigCommand::Show { output }, &args, text).unwrap();
        let table = show(OutputFormat::Text);
        let row = |name: &str| {
            let line = table.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
            line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(row("BIND_ADDR"), "127.0.0.1:1 flag");
        assert_eq!(row("MAX_CONNECTIONS"), "9 environment");
        assert_eq!(row("RUST_LOG"), "warn bartizan.toml line 2");
        assert_eq!(row("LOG_FORMAT"), "pretty default");
        assert_eq!(row("JWT_SECRET"), "(hidden) environment");
        assert_eq!(row("POLICY_FILE"), "- default");
        assert!(!table.contains(SECRET) && !table.contains("MCP_TOKEN"), "{table}");
        let json: serde_json::Value = serde_json::from_str(&show(OutputFormat::Json)).unwrap();
        let log = json.as_array().unwrap().iter().find(|it| it["key"] == "log.level").unwrap();
        assert_eq!(
            (&log["value"], &log["source"]),
            (&json!("warn"), &json!("bartizan.toml line 2"))
        );
        let with_password =
            RunArgs { database_url: Some("postgres://me:hush@db/x".into()), ..RunArgs::default() };
        let command = ConfigCommand::Show { output: OutputFormat::Text };
        assert!(!run(&command, &with_password, "").unwrap().contains("hush"));
    }

    #[test]
    fn every_error_of_every_source_is_reported_at_once() {
        let args = RunArgs { resource: Some("nowhere".into()), ..RunArgs::default() };
        let text = "[server]\nbind = \"nowhere\"\nsecret = \"x\"\n[log]\nlevel = \"a=b=c\"\n\
            [issuers.\"https://a.example\"]\ntyp = 1\n";
        let failure = run(&ConfigCommand::Check, &args, text).unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        let text = failure.to_string();
        for part in [
            "bartizan.toml line 2: server.bind \"nowhere\"",
            "bartizan.toml line 3: server.secret: a secret does not belong here",
            "--resource \"nowhere\"",
            "bartizan.toml line 5: log.level \"a=b=c\"",
            "bartizan.toml line 6: [issuers.\"https://a.example\"]: typ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let ok = run(&ConfigCommand::Check, &RunArgs::default(), "").unwrap();
        assert!(ok.starts_with("ok: protected: "), "{ok}");
    }

    #[test]
    fn the_schema_is_complete_to_the_sections_of_issuers() {
        let schema = run(&ConfigCommand::Schema, &RunArgs::default(), "").unwrap();
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        let issuer = &schema["properties"]["issuers"]["additionalProperties"];
        assert_eq!(issuer["additionalProperties"], json!(false));
        assert!(issuer["properties"]["preset"]["enum"].as_array().unwrap().len() > 6);
    }
}
