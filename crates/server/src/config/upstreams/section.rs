//! The members of one section `[upstreams.NAME]`, each parsed and checked.

use std::{collections::BTreeMap, path::Path, time::Duration};

use auth_core::ResourceUri;
use issuer_setup::Section;
use settings::Environment;
use toml::{Value, de::DeTable};
use upstream::pool::{Instances, PoolConfig};

use super::{Minting, Presented, UpstreamConfig, UpstreamName, UpstreamPlace, place::place};
use crate::{app::resource::check_path, args::RunArgs};

const KIND: &str = "upstreams";

/// What a section is read with.
#[derive(Debug, Clone, Copy)]
struct Surroundings<'a> {
    /// The environment of the gateway, and its configuration file.
    environment: &'a Environment,
    /// The resource of `MCP_RESOURCE`.
    own: &'a ResourceUri,
    /// The issuer that signs in this process, if one does.
    minting: Option<&'a Minting>,
}

/// Reads the sections of the configuration file, in the order of their names; errors are added to
/// `faults`. `own` is the resource of `MCP_RESOURCE`.
pub(crate) fn load(
    args: &RunArgs,
    environment: &Environment,
    own: &ResourceUri,
    faults: &mut Vec<String>,
) -> Vec<UpstreamConfig> {
    let minting = Minting::of(args, environment);
    let surroundings = Surroundings { environment, own, minting: minting.as_ref() };
    let config = environment.config();
    let folder = config.path().parent().unwrap_or(Path::new("."));
    let file = config.path().display();
    // What is no TOML was reported when the file was read.
    let Some(text) = config.upstreams() else { return Vec::new() };
    let Ok(mut table) = text.parse::<toml::Table>() else { return Vec::new() };
    let Some(Value::Table(sections)) = table.remove(KIND) else {
        faults.push(format!("{file}: {KIND}: write sections, [{KIND}.NAME]"));
        return Vec::new();
    };
    let lines = lines(text);
    let mut found: Vec<UpstreamConfig> = Vec::new();
    let mut places = Vec::new();
    for (name, value) in sections {
        let line = lines.get(&name).map(|line| format!(" line {line}")).unwrap_or_default();
        let place = format!("{file}{line}: [{KIND}.{name}]");
        let Value::Table(table) = value else {
            faults.push(format!("{place}: not a section"));
            continue;
        };
        let mut section = Section::new(place.clone(), table);
        let upstream = upstream(&name, &mut section, folder, surroundings);
        if let Some(upstream) = &upstream {
            taken(upstream, &found, &mut section);
        }
        let mut wrong = section.faults();
        if let (true, Some(upstream)) = (wrong.is_empty(), upstream) {
            found.push(upstream);
            places.push(place);
        }
        faults.append(&mut wrong);
    }
    let resources: Vec<_> = found.iter().map(|it| &it.resource).collect();
    let audiences = found.iter().zip(places).filter_map(|(upstream, place)| {
        let fault = own_audience(&upstream.place, &resources, surroundings)?;
        Some(format!("{place}: {fault}"))
    });
    faults.extend(audiences);
    found
}

/// Reads what flags say of a server, as the members of a section; every error names its flag.
pub(crate) fn described(
    table: toml::Table,
    args: &RunArgs,
    environment: &Environment,
    own: &ResourceUri,
) -> Result<(UpstreamPlace, PoolConfig), Vec<String>> {
    const PLACE: &str = "the command line";
    let mut section = Section::new(PLACE.to_owned(), table);
    let minting = Minting::of(args, environment);
    let surroundings = Surroundings { environment, own, minting: minting.as_ref() };
    let place = place(&mut section, Path::new(""), environment, minting.as_ref());
    let pool = pool(&mut section);
    if let Some(place) = &place {
        check_sharing(place, &pool, &mut section);
        if let Some(fault) = own_audience(place, &[own], surroundings) {
            section.fault(fault);
        }
    }
    let faults = section.faults();
    match place {
        Some(place) if faults.is_empty() => Ok((place, pool)),
        _ => Err(faults.iter().map(|fault| of_flag(fault, PLACE)).collect()),
    }
}

/// An error of a member as one of its flag: `secret_file: …` as `--secret-file: …`.
fn of_flag(fault: &str, place: &str) -> String {
    let fault = fault.strip_prefix(place).unwrap_or(fault).trim_start_matches([':', ' ']);
    if fault.starts_with("write ") {
        return fault.to_owned();
    }
    let (member, rest) = fault.split_at(fault.find([' ', ':']).unwrap_or(fault.len()));
    format!("--{}{rest}", member.replace('_', "-"))
}

/// A token that is minted for a server must not be one for the gateway itself: with it the server
/// could make calls in the name of its callers.
fn own_audience(
    place: &UpstreamPlace,
    resources: &[&ResourceUri],
    surroundings: Surroundings<'_>,
) -> Option<String> {
    let UpstreamPlace::Url(place) = place else { return None };
    let (name, audience) = match &place.presented {
        Presented::Minted { audience, .. } => ("audience", audience),
        Presented::Exchange { issuer, .. } => ("token_issuer", issuer),
        Presented::Nothing | Presented::Secret(_) | Presented::Client(_) => return None,
    };
    let same = |other: &str| other.trim_end_matches('/') == audience.as_str().trim_end_matches('/');
    let is_own = resources.iter().chain([&surroundings.own]).any(|it| same(it.as_str()))
        || surroundings.minting.is_some_and(|it| same(it.issuer.as_str()));
    is_own.then(|| format!("{name} {:?}: this is the gateway itself", audience.as_str()))
}

/// The line of each section, by its name.
fn lines(text: &str) -> BTreeMap<String, usize> {
    let (document, _) = DeTable::parse_recoverable(text);
    let sections = document.get_ref().get(KIND).and_then(|it| it.get_ref().as_table());
    let names = sections.into_iter().flat_map(|sections| sections.keys());
    names
        .map(|name| (name.get_ref().to_string(), settings::line_of(text, name.span().start)))
        .collect()
}

/// What another section has already.
fn taken(upstream: &UpstreamConfig, others: &[UpstreamConfig], section: &mut Section) {
    for other in others {
        if other.resource == upstream.resource {
            section.fault(format!("{} is the resource of {} too", other.resource, other.name));
        }
        if other.policy == upstream.policy {
            section.fault(format!(
                "policy {}: {} has it too, and each needs one of its own",
                other.policy.display(),
                other.name
            ));
        }
    }
}

fn upstream(
    name: &str,
    section: &mut Section,
    folder: &Path,
    surroundings: Surroundings<'_>,
) -> Option<UpstreamConfig> {
    let name = section.parsed::<UpstreamName>("its name", name);
    let place = place(section, folder, surroundings.environment, surroundings.minting);
    let pool = pool(section);
    let roots = section.flag("roots").unwrap_or(false);
    if let Some(place) = &place {
        check_sharing(place, &pool, section);
    }
    let path = section.text("path");
    let resource = section.text("resource");
    if path.is_some() && resource.is_some() {
        section.fault("write one of path and resource");
    }
    if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
        section.fault("path: write it with a slash first, for example /mcp/files");
    }
    let policy = section.text("policy");
    let name = name?;
    let origin = surroundings.own.origin();
    let resource = settings::upstream_resource(name.as_str(), resource, path, &origin);
    let resource = section.parsed::<ResourceUri>("its resource", &resource)?;
    if let Err(fault) = check_path(&resource) {
        section.fault(format!("its resource {resource}: {fault}"));
    }
    let policy = settings::upstream_policy(name.as_str(), policy, folder);
    let lock = UpstreamConfig::lock_beside(&policy, &name);
    Some(UpstreamConfig { name, resource, place: place?, pool, roots, policy, lock })
}

/// What depends on who calls needs a connection that is not shared.
fn check_sharing(place: &UpstreamPlace, pool: &PoolConfig, section: &mut Section) {
    let UpstreamPlace::Url(place) = place else { return };
    if pool.instances == Instances::Shared && place.is_per_caller() {
        section.fault(
            "instances \"shared\": what is presented to the server depends on who calls, so write owner or session",
        );
    }
}

/// Whose the servers are, and how long an unused one is kept.
fn pool(section: &mut Section) -> PoolConfig {
    let mut pool = PoolConfig::default();
    match section.text("instances").as_deref() {
        None | Some("owner") => {}
        Some("session") => pool.instances = Instances::PerSession,
        Some("shared") => pool.instances = Instances::Shared,
        Some(other) => {
            section.fault(format!("instances {other:?}: write owner, session or shared"));
        }
    }
    match section.number("idle_minutes") {
        None => {}
        Some(0) => section.fault("idle_minutes: write at least 1"),
        Some(minutes) => pool.idle = Duration::from_mins(minutes),
    }
    pool
}

#[cfg(test)]
mod tests {
    use settings::ConfigFile;

    use super::{super::UpstreamPlace, *};

    fn read(text: &str) -> (Vec<UpstreamConfig>, Vec<String>) {
        read_with(text, &[])
    }

    fn read_with(text: &str, pairs: &[(&str, &str)]) -> (Vec<UpstreamConfig>, Vec<String>) {
        let config = ConfigFile::parse(Path::new("conf/bartizan.toml"), text.to_owned());
        let issuer = [("JWT_ISSUER", "https://mcp.example"), ("SIGN_IN", "on")];
        let pairs = issuer.iter().chain(pairs);
        let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let resource = ("MCP_RESOURCE".to_owned(), "https://mcp.example/mcp".to_owned());
        let environment = Environment::from_pairs(pairs.chain([resource])).with_config(config);
        let own = "https://mcp.example/mcp".parse().unwrap();
        let mut faults = Vec::new();
        let found = load(&RunArgs::default(), &environment, &own, &mut faults);
        (found, faults)
    }

    #[test]
    fn a_section_is_a_resource_with_files_of_its_own() {
        let (found, faults) = read(
            "[upstreams.files]\ncommand = [\"npx\", \"files\"]\ndirectory = \"data\"\nenvironment = [\"KEY\"]\n\
             [upstreams.notes]\nurl = \"http://127.0.0.1:1/mcp\"\npath = \"/notes\"\npolicy = \"/etc/n.toml\"\n\
             [upstreams.other]\nurl = \"http://10.0.0.1/mcp\"\nplain_http = true\nresource = \"https://other.example/mcp\"\n",
        );
        assert_eq!(faults, Vec::<String>::new());
        let [files, notes, other] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(files.resource.as_str(), "https://mcp.example/mcp/files");
        assert_eq!(files.policy, Path::new("conf/files.policy.toml"));
        assert_eq!(files.lock, Path::new("conf/files.lock.json"));
        let UpstreamPlace::Command(command) = &files.place else { panic!("{files:?}") };
        assert_eq!(command.command, ["npx", "files"]);
        assert_eq!(command.directory.as_deref(), Some(Path::new("conf/data")));
        assert_eq!(command.environment, ["KEY"]);
        assert_eq!(notes.resource.as_str(), "https://mcp.example/notes");
        assert_eq!(notes.lock, Path::new("/etc/notes.lock.json"));
        assert_eq!(other.resource.as_str(), "https://other.example/mcp");
        let UpstreamPlace::Url(url) = &other.place else { panic!("{other:?}") };
        assert_eq!(url.url.to_string(), "http://10.0.0.1/mcp");
        assert_eq!((&url.ca, &url.presented), (&None, &Presented::Nothing));
    }

    #[test]
    fn a_section_says_how_its_server_is_reached_and_kept() {
        let (found, faults) = read(
            "[upstreams.a]\nurl = \"https://a.example/mcp\"\nca = \"ca.pem\"\nheader = \"X-Api-Key\"\nsecret_file = \"key\"\ninstances = \"shared\"\n\
             [upstreams.b]\ncommand = [\"b\"]\ninstances = \"session\"\nidle_minutes = 3\nsecrets = { KEY = \"b.key\" }\nmax_memory_mib = 64\n\
             [upstreams.c]\ncommand = [\"c\"]\ninstances = \"owner\"\n",
        );
        assert_eq!(faults, Vec::<String>::new());
        let [a, b, c] = found.as_slice() else { panic!("{found:?}") };
        let UpstreamPlace::Url(place) = &a.place else { panic!("{a:?}") };
        assert_eq!(place.ca.as_deref(), Some(Path::new("conf/ca.pem")));
        let Presented::Secret(secret) = &place.presented else { panic!("{place:?}") };
        assert_eq!(secret.name.as_deref(), Some("X-Api-Key"));
        assert_eq!(secret.file, Path::new("conf/key"));
        assert_eq!(a.pool.instances, Instances::Shared);
        let UpstreamPlace::Command(place) = &b.place else { panic!("{b:?}") };
        assert_eq!(place.max_memory, Some(64 * 1024 * 1024));
        assert_eq!(place.secrets["KEY"], Path::new("conf/b.key"));
        assert_eq!(b.pool.instances, Instances::PerSession);
        assert_eq!(b.pool.idle, Duration::from_mins(3));
        assert_eq!(c.pool, PoolConfig::default());
    }

    #[test]
    fn every_error_is_reported_with_its_line() {
        let one = "url = \"http://127.0.0.1:1/mcp\"\n";
        for (section, reported) in [
            ("", "write one of command and url"),
            ("command = [\"x\"]\nurl = \"http://a\"\n", "write one of command and url"),
            ("command = []\n", "command: name a program"),
            ("command = \"npx files\"\n", "command: write an array of strings"),
            ("comand = [\"x\"]\n", "comand: unknown key: did you mean `command`?"),
            ("command = [\"x\"]\nplain_http = true\n", "plain_http is for a url"),
            ("command = [\"x\"]\nenvironment = [\"A=b\"]\n", "variable \"A=b\""),
            ("command = [\"x\"]\nsecret_file = \"k\"\n", "secret_file is for a url"),
            ("command = [\"x\"]\nsecrets = { A = 1 }\n", "secrets: A: write the name of a file"),
            ("command = [\"x\"]\nsecrets = { \"A=b\" = \"f\" }\n", "variable \"A=b\""),
            (
                "command = [\"x\"]\nenvironment = [\"A\"]\nsecrets = { A = \"f\" }\n",
                "environment: A is in secrets too",
            ),
            (
                "command = [\"x\"]\nenvironment = [\"JWT_SECRET\"]\n",
                "environment: JWT_SECRET is a setting of the gateway",
            ),
            ("command = [\"x\"]\ncredentials = \"minted\"\n", "credentials is for a url"),
            ("command = [\"x\"]\nidentity = {}\n", "identity is for a url"),
            ("command = [\"x\"]\nmax_memory_mib = 0\n", "max_memory_mib: write at least 1"),
            ("command = [\"x\"]\nidle_minutes = 0\n", "idle_minutes: write at least 1"),
            ("command = [\"x\"]\ninstances = \"all\"\n", "write owner, session or shared"),
            ("url = \"http://10.0.0.1/?key=k3y\"\n", "url: plain http is for loopback"),
            ("url = \"a.example\"\n", "url: not an absolute http or https URL"),
            (&format!("{one}directory = \"x\"\n"), "directory is for a command"),
            (&format!("{one}max_memory_mib = 9\n"), "max_memory_mib is for a command"),
            (&format!("{one}header = \"X-Key\"\n"), "header: write secret_file too"),
            (
                &format!("{one}header = \"Host\"\nsecret_file = \"k\"\n"),
                "header: the header host is filled",
            ),
            (
                &format!("{one}path = \"/a\"\nresource = \"https://a.example\"\n"),
                "write one of path",
            ),
            (&format!("{one}path = \"a\"\n"), "path: write it with a slash first"),
            (&format!("{one}path = \"/healthz\"\n"), "this path cannot be served"),
            (&format!("{one}resource = \"http://a.example/\"\n"), "its resource"),
        ] {
            let (found, faults) = read(&format!("\n[upstreams.files]\n{section}"));
            let expected = "conf/bartizan.toml line 2: [upstreams.files]: ";
            assert!(found.is_empty() && faults[0].starts_with(expected), "{section}: {faults:?}");
            assert!(faults.iter().any(|it| it.contains(reported)), "{section}: {faults:?}");
            assert!(!faults.iter().any(|it| it.contains("k3y")), "{section}: {faults:?}");
        }
        let (_, faults) = read("[upstreams.Files]\nurl = \"http://a\"\n");
        assert!(faults[0].contains("its name \"Files\": write lower-case"), "{faults:?}");
        let (_, faults) = read("upstreams = 1\n");
        assert!(faults[0].ends_with("upstreams: write sections, [upstreams.NAME]"), "{faults:?}");
        let (_, faults) = read("[upstreams]\nfiles = 1\n");
        assert!(faults[0].ends_with("[upstreams.files]: not a section"), "{faults:?}");
    }

    #[test]
    fn what_is_presented_is_in_the_section() {
        let url = "url = \"https://a.example/mcp?key=k3y\"\n";
        let endpoint = "token_endpoint = \"https://b.example/token\"\nclient_id = \"gate\"\nsecret_file = \"s\"\n";
        let one = |more: &str| {
            let (found, faults) = read(&format!("[upstreams.a]\n{url}{more}"));
            assert_eq!(faults, Vec::<String>::new());
            let UpstreamPlace::Url(place) = found[0].place.clone() else { panic!("{found:?}") };
            place
        };
        let Presented::Minted { audience, minting } = one("credentials = \"minted\"\n").presented
        else {
            panic!()
        };
        assert_eq!(audience.as_str(), "https://a.example/mcp");
        assert_eq!(minting.issuer.as_str(), "https://mcp.example");
        let place = one(&format!("credentials = \"client\"\nscopes = [\"x\", \"y\"]\n{endpoint}"));
        let Presented::Client(client) = &place.presented else { panic!("{place:?}") };
        assert_eq!(client.secret, Path::new("conf/s"));
        assert_eq!(client.scopes.as_ref().unwrap().to_string(), "x y");
        assert!(!place.is_per_caller());
        let place = one(&format!(
            "credentials = \"exchange\"\nclient_authentication = \"post\"\naudience = \"up\"\n{endpoint}"
        ));
        assert!(place.is_per_caller());
        let Presented::Exchange { place: client, issuer, audience, .. } = place.presented else {
            panic!()
        };
        assert_eq!((client.scopes, issuer.as_str()), (None, "https://b.example/token"));
        assert_eq!(audience.as_deref(), Some("up"));
        let place = one("identity = { subject = \"X-User\", scopes = \"X-Scopes\" }\n");
        assert!(place.is_per_caller() && place.presented == Presented::Nothing);
    }

    #[test]
    fn what_is_presented_fits_together() {
        let endpoint = "token_endpoint = \"https://b.example/token\"\nclient_id = \"gate\"\nsecret_file = \"s\"\n";
        for (more, reported) in [
            ("credentials = \"token\"\n", "write none, secret, minted, client or exchange"),
            ("credentials = \"secret\"\n", "write secret_file too"),
            ("credentials = \"none\"\nsecret_file = \"s\"\n", "secret_file is not for"),
            ("credentials = \"minted\"\nsecret_file = \"s\"\n", "secret_file is not for"),
            ("audience = \"x\"\n", "audience is not for credentials \"none\""),
            ("client_id = \"x\"\n", "client_id is not for credentials \"none\""),
            ("credentials = \"client\"\n", "token_endpoint is missing"),
            (&format!("credentials = \"client\"\naudience = \"x\"\n{endpoint}"), "audience is not"),
            (
                &format!("credentials = \"client\"\nclient_authentication = \"x\"\n{endpoint}"),
                "write basic or post",
            ),
            (
                "credentials = \"client\"\ntoken_endpoint = \"http://b.example/t?key=k3y\"\n",
                "token_endpoint: plain http is for loopback",
            ),
            (
                "credentials = \"minted\"\ninstances = \"shared\"\n",
                "instances \"shared\": what is presented",
            ),
            (
                "identity = { client = \"X-Client\" }\ninstances = \"shared\"\n",
                "instances \"shared\": what is presented",
            ),
            ("identity = {}\n", "identity: name a header"),
            ("identity = { user = \"X-User\" }\n", "identity: user: unknown key"),
            ("identity = { subject = \"Host\" }\n", "the header host is filled"),
            (
                "identity = { subject = \"X-A\", client = \"x-a\" }\n",
                "client: the header x-a has another value",
            ),
            (
                "credentials = \"minted\"\nidentity = { subject = \"Authorization\" }\n",
                "the header Authorization has another value",
            ),
            (
                "credentials = \"minted\"\naudience = \"https://mcp.example/mcp/a\"\n",
                "this is the gateway itself",
            ),
            (
                "credentials = \"minted\"\naudience = \"https://mcp.example/\"\n",
                "this is the gateway itself",
            ),
            (
                "credentials = \"minted\"\naudience = \"https://mcp.example/mcp\"\n",
                "this is the gateway itself",
            ),
        ] {
            let section = format!("[upstreams.a]\nurl = \"https://a.example/mcp\"\n{more}");
            let (_, faults) = read(&section);
            assert!(faults.iter().any(|it| it.contains(reported)), "{section}: {faults:?}");
            assert!(!faults.iter().any(|it| it.contains("k3y")), "{section}: {faults:?}");
            assert!(faults[0].starts_with("conf/bartizan.toml line 1: "), "{faults:?}");
        }
    }

    #[test]
    fn tokens_are_minted_only_where_there_is_a_key() {
        let section = "[upstreams.a]\nurl = \"https://a.example/mcp\"\ncredentials = \"minted\"\n";
        let (found, faults) = read_with(section, &[("SIGN_IN", "off")]);
        assert!(found.is_empty() && faults[0].contains("SIGN_IN says why"), "{faults:?}");
    }

    #[test]
    fn a_variable_that_is_not_set_is_no_error_before_the_program_is_started() {
        let section = "\n[upstreams.a]\ncommand = [\"x\"]\nenvironment = [\"KEY\"]\n";
        let (found, faults) = read(section);
        assert_eq!(faults, Vec::<String>::new());
        let fault = "conf/bartizan.toml line 2: [upstreams.a]: environment: KEY is set neither";
        assert!(found[0].missing()[0].starts_with(fault), "{:?}", found[0].missing());
        assert!(read_with(section, &[("KEY", "v")]).0[0].missing().is_empty());
    }

    #[test]
    fn flags_are_checked_as_members_and_named_as_flags() {
        let environment = Environment::from_pairs([]);
        let own = "https://mcp.example/mcp".parse().unwrap();
        let read =
            |text: &str| described(text.parse().unwrap(), &RunArgs::default(), &environment, &own);
        let (place, pool) = read("command = [\"x\"]\ninstances = \"session\"\n").unwrap();
        assert!(matches!(place, UpstreamPlace::Command(_)));
        assert_eq!(pool.instances, Instances::PerSession);
        for (text, reported) in [
            ("url = \"http://10.0.0.1/\"\n", "--url: plain http"),
            ("command = [\"x\"]\nsecret_file = \"s\"\n", "--secret-file is for a url"),
            ("command = [\"x\"]\nidle_minutes = 0\n", "--idle-minutes: write at least 1"),
        ] {
            let faults = read(text).unwrap_err();
            assert!(faults[0].starts_with(reported), "{faults:?}");
        }
    }

    #[test]
    fn no_two_have_one_resource_or_one_policy() {
        let two = |more: &str| {
            let url = "url = \"http://127.0.0.1:1/mcp\"\n";
            read(&format!("[upstreams.a]\n{url}{more}[upstreams.b]\n{url}{more}")).1
        };
        assert_eq!(two(""), Vec::<String>::new());
        assert!(two("path = \"/x\"\n")[0].contains("is the resource of a too"));
        assert!(two("policy = \"p.toml\"\n")[0].contains("p.toml: a has it too"));
    }
}
