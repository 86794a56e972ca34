//! Where the server of a section is: the members for a command, and those for a URL.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use issuer_setup::Section;
use settings::{Environment, Variable};

use super::{
    CommandPlace, UpstreamPlace, UrlPlace,
    credentials::{self, Minting, identity, presented},
};

/// The members that only a server with a URL has.
const OF_URL: [&str; 2] = ["plain_http", "ca"];
/// The members that only a server with a command has.
const OF_COMMAND: [&str; 4] = ["directory", "environment", "secrets", "max_memory_mib"];
const MIB: u64 = 1024 * 1024;

/// Where the server of `section` is. Relative paths start at `folder`. `minting` is the issuer that
/// signs in this process, if one does.
pub(super) fn place(
    section: &mut Section,
    folder: &Path,
    environment: &Environment,
    minting: Option<&Minting>,
) -> Option<UpstreamPlace> {
    let of_url = || OF_URL.iter().chain(&credentials::MEMBERS).copied();
    let command = section.list::<String>("command");
    let url = section.text("url");
    match (command, url) {
        (Some(command), None) => {
            refuse(section, of_url(), "a url");
            command_place(section, command, folder, environment).map(UpstreamPlace::Command)
        }
        (None, Some(url)) => {
            refuse(section, OF_COMMAND, "a command");
            url_place(section, &url, folder, minting).map(|it| UpstreamPlace::Url(Box::new(it)))
        }
        _ => {
            for name in of_url().chain(OF_COMMAND) {
                section.take(name);
            }
            section.none("write one of command and url")
        }
    }
}

/// Adds an error for each of `names` that is there.
fn refuse<'a>(section: &mut Section, names: impl IntoIterator<Item = &'a str>, of: &str) {
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
    of_gateway: &Environment,
) -> Option<CommandPlace> {
    let directory = section.text("directory").map(|it| folder.join(it));
    let environment = section.list::<String>("environment").unwrap_or_default();
    let secrets = secrets(section, folder);
    let max_memory = section.number("max_memory_mib").map(|it| it.saturating_mul(MIB));
    if max_memory == Some(0) {
        section.fault("max_memory_mib: write at least 1");
    }
    if command.is_empty() {
        return section.none("command: name a program");
    }
    let mut names = environment.iter().chain(secrets.keys());
    if let Some(wrong) = names.find(|name| name.is_empty() || name.contains(['=', '\0'])) {
        return section.none(format!("variable {wrong:?}: write the name of a variable"));
    }
    check_environment(section, &environment, &secrets);
    let is_missing = |name: &&String| of_gateway.secret_named(name).is_none();
    let missing = environment.iter().filter(is_missing).map(|name| {
        format!("environment: {name} is set neither in the gateway's environment nor in .env")
    });
    let missing = missing.map(|fault| section.message(fault)).collect();
    Some(CommandPlace { command, directory, environment, secrets, missing, max_memory })
}

/// The variables whose values are in files.
fn secrets(section: &mut Section, folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut secrets = BTreeMap::new();
    for (name, file) in section.table("secrets").unwrap_or_default() {
        match file.as_str().filter(|file| !file.is_empty()) {
            Some(file) => drop(secrets.insert(name, folder.join(file))),
            None => section.fault(format!("secrets: {name}: write the name of a file")),
        }
    }
    secrets
}

/// Adds an error for each variable that is never handed on, and for each that has two values.
fn check_environment(
    section: &mut Section,
    environment: &[String],
    secrets: &BTreeMap<String, PathBuf>,
) {
    let own: BTreeSet<_> = Variable::ALL.into_iter().map(Variable::name).collect();
    for name in environment {
        if own.contains(name.as_str()) {
            section.fault(format!(
                "environment: {name} is a setting of the gateway, which no program gets"
            ));
        }
        if secrets.contains_key(name) {
            section.fault(format!("environment: {name} is in secrets too: write one"));
        }
    }
}

fn url_place(
    section: &mut Section,
    url: &str,
    folder: &Path,
    minting: Option<&Minting>,
) -> Option<UrlPlace> {
    let is_plain_http = section.flag("plain_http").unwrap_or(false);
    let ca = section.text("ca").map(|it| folder.join(it));
    let place = UrlPlace::new(url, is_plain_http);
    let presented = presented(section, folder, place.as_ref().ok().map(|it| &it.url), minting);
    let identity = identity(section, presented.as_ref());
    match place {
        Ok(place) => Some(UrlPlace { ca, presented: presented?, identity, ..place }),
        // It is not shown: its query may hold a key.
        Err(fault) => section.none(format!("url: {fault}")),
    }
}
