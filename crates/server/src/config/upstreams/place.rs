//! Where the server of a section is: the members for a command, and those for a URL.

use std::path::Path;

use issuer_setup::Section;
use upstream::credentials::HeaderFile;

use super::{CommandPlace, SecretHeader, UpstreamPlace, UrlPlace};

/// The members that only a server with a URL has.
const OF_URL: [&str; 4] = ["plain_http", "ca", "header", "secret_file"];
/// The members that only a server with a command has.
const OF_COMMAND: [&str; 3] = ["directory", "environment", "max_memory_mib"];
const MIB: u64 = 1024 * 1024;

/// Where the server of `section` is. Relative paths start at `folder`.
pub(super) fn place(section: &mut Section, folder: &Path) -> Option<UpstreamPlace> {
    let command = section.list::<String>("command");
    let url = section.text("url");
    match (command, url) {
        (Some(command), None) => {
            refuse(section, &OF_URL, "a url");
            command_place(section, command, folder).map(UpstreamPlace::Command)
        }
        (None, Some(url)) => {
            refuse(section, &OF_COMMAND, "a command");
            url_place(section, &url, folder).map(UpstreamPlace::Url)
        }
        _ => {
            for name in OF_URL.iter().chain(&OF_COMMAND) {
                section.take(name);
            }
            section.none("write one of command and url")
        }
    }
}

/// Adds an error for each of `names` that is there.
fn refuse(section: &mut Section, names: &[&str], of: &str) {
    for name in names {
        if section.take(name).is_some() {
            section.fault(format!("{name} is for {of}"));
        }
    }
}

fn command_place(
    section: &mut Section,
    command: Vec<String>,
    folder: &Path,
) -> Option<CommandPlace> {
    let directory = section.text("directory").map(|it| folder.join(it));
    let environment = section.list::<String>("environment").unwrap_or_default();
    let max_memory = section.number("max_memory_mib").map(|it| it.saturating_mul(MIB));
    if max_memory == Some(0) {
        section.fault("max_memory_mib: write at least 1");
    }
    if command.is_empty() {
        return section.none("command: name a program");
    }
    if let Some(wrong) = environment.iter().find(|name| name.contains(['=', '\0'])) {
        return section.none(format!("environment {wrong:?}: write the name of a variable"));
    }
    Some(CommandPlace { command, directory, environment, max_memory })
}

fn url_place(section: &mut Section, url: &str, folder: &Path) -> Option<UrlPlace> {
    let is_plain_http = section.flag("plain_http").unwrap_or(false);
    let ca = section.text("ca").map(|it| folder.join(it));
    let name = section.text("header");
    let file = section.text("secret_file").map(|it| folder.join(it));
    if let Some(Err(fault)) = name.as_deref().map(HeaderFile::check_name) {
        section.fault(format!("header: {fault}"));
    }
    if name.is_some() && file.is_none() {
        section.fault("header: write secret_file too");
    }
    let secret = file.map(|file| SecretHeader { name, file });
    match UrlPlace::new(url, is_plain_http) {
        Ok(place) => Some(UrlPlace { ca, secret, ..place }),
        // It is not shown: its query may hold a key.
        Err(fault) => section.none(format!("url: {fault}")),
    }
}
