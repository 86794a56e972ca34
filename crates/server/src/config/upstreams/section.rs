//! The members of one section `[upstreams.NAME]`, each parsed and checked.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use auth_core::ResourceUri;
use issuer_setup::Section;
use settings::Environment;
use toml::{Value, de::DeTable};

use super::{CommandPlace, UpstreamConfig, UpstreamName, UpstreamPlace, UrlPlace};
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
    let resource = resource
        .unwrap_or_else(|| format!("{origin}{}", path.unwrap_or_else(|| format!("/mcp/{name}"))));
    let resource = section.parsed::<ResourceUri>("its resource", &resource)?;
    if let Err(fault) = check_path(&resource) {
        section.fault(format!("its resource {resource}: {fault}"));
    }
    let policy = policy.unwrap_or_else(|| UpstreamConfig::default_policy(&name));
    let policy = folder.join(policy);
    let lock = UpstreamConfig::lock_beside(&policy, &name);
    Some(UpstreamConfig { name, resource, place: place?, policy, lock })
}

fn place(section: &mut Section, folder: &Path) -> Option<UpstreamPlace> {
    let command = section.list::<String>("command");
    let url = section.text("url");
    let directory = section.text("directory").map(|it| folder.join(it));
    let environment = section.list::<String>("environment");
    let plain_http = section.flag("plain_http");
    match (command, url) {
        (Some(command), None) => {
            if plain_http.is_some() {
                section.fault("plain_http is for a url");
            }
            command_place(section, command, directory, environment.unwrap_or_default())
        }
        (None, Some(url)) => {
            if directory.is_some() || environment.is_some() {
                section.fault("directory and environment are for a command");
            }
            let is_plain_http = plain_http.unwrap_or(false);
            Some(UpstreamPlace::Url(UrlPlace { url, is_plain_http }))
        }
        _ => section.none("write one of command and url"),
    }
}

fn command_place(
    section: &mut Section,
    command: Vec<String>,
    directory: Option<PathBuf>,
    environment: Vec<String>,
) -> Option<UpstreamPlace> {
    if command.is_empty() {
        return section.none("command: name a program");
    }
    if let Some(wrong) = environment.iter().find(|name| name.contains(['=', '\0'])) {
        return section.none(format!("environment {wrong:?}: write the name of a variable"));
    }
    Some(UpstreamPlace::Command(CommandPlace { command, directory, environment }))
}

#[cfg(test)]
mod tests {
    use settings::ConfigFile;

    use super::*;

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
        assert!(url.is_plain_http);
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
            (&format!("{one}directory = \"x\"\n"), "directory and environment are for a command"),
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
