//! The members of one section `[upstreams.NAME]`, each parsed and checked.

use std::{collections::BTreeMap, path::Path, time::Duration};

use auth_core::ResourceUri;
use issuer_setup::Section;
use settings::Environment;
use toml::{Value, de::DeTable};
use upstream::pool::{Instances, PoolConfig};

use super::{UpstreamConfig, UpstreamName, place::place};
use crate::app::resource::check_path;

const KIND: &str = "upstreams";

/// Reads the sections of the configuration file, in the order of their names; errors are added to
/// `faults`. `origin` is where callers reach the gateway.
pub(crate) fn load(
    environment: &Environment,
    origin: &str,
    faults: &mut Vec<String>,
) -> Vec<UpstreamConfig> {
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
    for (name, value) in sections {
        let line = lines.get(&name).map(|line| format!(" line {line}")).unwrap_or_default();
        let place = format!("{file}{line}: [{KIND}.{name}]");
        let Value::Table(table) = value else {
            faults.push(format!("{place}: not a section"));
            continue;
        };
        let mut section = Section::new(place, table);
        let upstream = upstream(&name, &mut section, folder, origin);
        if let Some(upstream) = &upstream {
            taken(upstream, &found, &mut section);
        }
        let mut wrong = section.faults();
        if wrong.is_empty() {
            found.extend(upstream);
        }
        faults.append(&mut wrong);
    }
    found
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
    origin: &str,
) -> Option<UpstreamConfig> {
    let name = section.parsed::<UpstreamName>("its name", name);
    let place = place(section, folder);
    let pool = pool(section);
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
    let resource = settings::upstream_resource(name.as_str(), resource, path, origin);
    let resource = section.parsed::<ResourceUri>("its resource", &resource)?;
    if let Err(fault) = check_path(&resource) {
        section.fault(format!("its resource {resource}: {fault}"));
    }
    let policy = settings::upstream_policy(name.as_str(), policy, folder);
    let lock = UpstreamConfig::lock_beside(&policy, &name);
    Some(UpstreamConfig { name, resource, place: place?, pool, policy, lock })
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
        let config = ConfigFile::parse(Path::new("conf/bartizan.toml"), text.to_owned());
        let environment = Environment::from_pairs([]).with_config(config);
        let mut faults = Vec::new();
        let found = load(&environment, "https://mcp.example", &mut faults);
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
        assert_eq!((&url.ca, &url.secret), (&None, &None));
    }

    #[test]
    fn a_section_says_how_its_server_is_reached_and_kept() {
        let (found, faults) = read(
            "[upstreams.a]\nurl = \"https://a.example/mcp\"\nca = \"ca.pem\"\nheader = \"X-Api-Key\"\nsecret_file = \"key\"\ninstances = \"shared\"\n\
             [upstreams.b]\ncommand = [\"b\"]\ninstances = \"session\"\nidle_minutes = 3\nmax_memory_mib = 64\n\
             [upstreams.c]\ncommand = [\"c\"]\ninstances = \"owner\"\n",
        );
        assert_eq!(faults, Vec::<String>::new());
        let [a, b, c] = found.as_slice() else { panic!("{found:?}") };
        let UpstreamPlace::Url(place) = &a.place else { panic!("{a:?}") };
        assert_eq!(place.ca.as_deref(), Some(Path::new("conf/ca.pem")));
        let secret = place.secret.clone().unwrap();
        assert_eq!(secret.name.as_deref(), Some("X-Api-Key"));
        assert_eq!(secret.file, Path::new("conf/key"));
        assert_eq!(a.pool.instances, Instances::Shared);
        let UpstreamPlace::Command(place) = &b.place else { panic!("{b:?}") };
        assert_eq!(place.max_memory, Some(64 * 1024 * 1024));
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
            ("command = [\"x\"]\nenvironment = [\"A=b\"]\n", "environment \"A=b\""),
            ("command = [\"x\"]\nsecret_file = \"k\"\n", "secret_file is for a url"),
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
