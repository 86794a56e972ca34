//! Names for servers: `client servers add NAME URL`, then `--url NAME`.
//!
//! A name has no colon and no slash, so it cannot be mistaken for a URL, nor a URL for it.

use std::{collections::BTreeMap, path::Path};

use serde_json::json;
use settings::secret_file::OwnFile;

use crate::{
    args::ServersVerb,
    endpoint::{Endpoint, EndpointError},
    failure::Failure,
    report::Report,
    store::{self, FileError},
};

/// Why a name cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServersError {
    /// Not a name.
    #[error("`{0}` is not a name for a server: use letters, digits, `-`, `_` and `.`")]
    Name(String),
    /// Not a URL.
    #[error("the URL {0}")]
    Url(EndpointError),
    /// The name is in use.
    #[error("there is a server named `{0}` already: {1}")]
    Taken(String, String),
    /// No such name.
    #[error("there is no server named `{0}`")]
    Unknown(String),
    /// The list.
    #[error(transparent)]
    File(#[from] FileError),
    /// The list is damaged.
    #[error("the list of servers cannot be read")]
    Damaged,
    /// No folder.
    #[error("there is no folder to store it in: neither XDG_STATE_HOME nor HOME is set")]
    NoFolder,
}

impl From<ServersError> for Failure {
    fn from(error: ServersError) -> Self {
        let failure = Self::usage(&error.to_string());
        match error {
            ServersError::Unknown(_) => failure.with_hint("`{client} servers list` lists them"),
            ServersError::Taken(name, _) => {
                failure.with_hint(format!("`{{client}} servers remove {name}` makes it free"))
            }
            _ => failure,
        }
    }
}

type Names = BTreeMap<String, String>;

/// The URL that a text means: the one of that name, or else the text itself.
pub(crate) fn resolve(text: &str, folder: Option<&Path>) -> Result<String, ServersError> {
    match folder {
        Some(folder) if is_name(text) => match read(&list(folder))?.remove(text) {
            Some(url) => Ok(url),
            None => Err(ServersError::Unknown(text.to_owned())),
        },
        _ => Ok(text.to_owned()),
    }
}

/// The names and their URLs, as far as the list can be read; the URLs as they are shown.
pub(crate) fn names(folder: Option<&Path>) -> Vec<(String, String)> {
    let names = folder.and_then(|folder| read(&list(folder)).ok()).unwrap_or_default();
    let shown = |(name, url): (String, String)| {
        let url = Endpoint::parse(&url).ok()?.to_string();
        is_name(&name).then_some((name, url))
    };
    names.into_iter().filter_map(shown).collect()
}

/// Carries out a verb.
pub(crate) async fn perform(
    verb: &ServersVerb,
    folder: Option<&Path>,
) -> Result<Report, ServersError> {
    let file = list(folder.ok_or(ServersError::NoFolder)?);
    let _lock = store::lock(&file).await?;
    let mut names = read(&file)?;
    match verb {
        ServersVerb::Add { name, address } => {
            if !is_name(name) {
                return Err(ServersError::Name(name.clone()));
            }
            let endpoint = Endpoint::parse(address).map_err(ServersError::Url)?;
            if let Some(other) = names.get(name).filter(|other| *other != endpoint.as_str()) {
                let shown = Endpoint::parse(other).map(|other| other.to_string());
                return Err(ServersError::Taken(name.clone(), shown.unwrap_or_default()));
            }
            names.insert(name.clone(), endpoint.as_str().to_owned());
            write(&file, &names)?;
            let report = Report::new(format!("{name}  {endpoint}\n"), json!({ "added": name }));
            let warning = (!endpoint.keeps_secrets()).then(|| {
                let host = endpoint.host();
                format!(
                    "no token is sent over plain http to {host}: others on the network could \
                     read it"
                )
            });
            Ok(Report { warning, ..report })
        }
        ServersVerb::List => {
            let width = names.keys().map(String::len).max().unwrap_or_default();
            let rows = names.iter().filter_map(|(name, url)| {
                Some(format!("{name:<width$}  {}\n", Endpoint::parse(url).ok()?))
            });
            Ok(Report::new(rows.collect(), json!({ "servers": names })))
        }
        ServersVerb::Remove { name } => {
            if names.remove(name).is_none() {
                return Err(ServersError::Unknown(name.clone()));
            }
            write(&file, &names)?;
            Ok(Report::new(String::new(), json!({ "removed": name })))
        }
    }
}

fn list(folder: &Path) -> OwnFile {
    // A URL's query may hold a secret.
    OwnFile::at(folder.join("servers.json"))
}

fn read(file: &OwnFile) -> Result<Names, ServersError> {
    match file.read().map_err(FileError::from)? {
        Some(text) => serde_json::from_str(&text).map_err(|_| ServersError::Damaged),
        None => Ok(Names::new()),
    }
}

fn write(file: &OwnFile, names: &Names) -> Result<(), ServersError> {
    let text = serde_json::to_string_pretty(names).unwrap_or_default();
    Ok(file.write(&text).map_err(FileError::from)?)
}

fn is_name(text: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 64 && text.chars().all(is_fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn add(name: &str, address: &str, folder: &Path) -> Result<Report, ServersError> {
        let verb = ServersVerb::Add { name: name.to_owned(), address: address.to_owned() };
        perform(&verb, Some(folder)).await
    }

    #[tokio::test]
    async fn a_name_stands_for_its_url() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        add("work", "https://mcp.example/mcp", folder).await.unwrap();
        assert_eq!(resolve("work", Some(folder)).unwrap(), "https://mcp.example/mcp");
        for url in ["https://work/", "http://localhost:8000/mcp"] {
            assert_eq!(resolve(url, Some(folder)).unwrap(), url);
        }
        assert!(matches!(resolve("play", Some(folder)), Err(ServersError::Unknown(_))));
        perform(&ServersVerb::Remove { name: "work".to_owned() }, Some(folder)).await.unwrap();
        assert!(matches!(resolve("work", Some(folder)), Err(ServersError::Unknown(_))));
    }

    #[tokio::test]
    async fn a_name_is_replaced_by_nothing_but_its_own_url() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let url = "https://mcp.example/mcp?key=secret";
        add("work", url, folder).await.unwrap();
        add("work", url, folder).await.unwrap();
        let taken = add("work", "https://other.example/mcp", folder).await.unwrap_err();
        assert_eq!(
            taken.to_string(),
            "there is a server named `work` already: https://mcp.example/mcp"
        );
        assert_eq!(resolve("work", Some(folder)).unwrap(), url);
    }

    #[tokio::test]
    async fn plain_http_to_another_machine_gets_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let warning = async |name: &str, url: &str| {
            add(name, url, folder.path()).await.unwrap().warning.unwrap_or_default()
        };
        let far = warning("far", "http://mcp.example/mcp").await;
        assert!(far.contains("over plain http to mcp.example"), "{far}");
        assert_eq!(warning("near", "http://localhost:8000/mcp").await, "");
        assert_eq!(warning("safe", "https://mcp.example/mcp").await, "");
    }

    #[tokio::test]
    async fn a_url_is_no_name_and_a_name_no_url() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for name in ["https://a", "a/b", "a:1", "", "a b"] {
            let added = add(name, "https://mcp.example/mcp", folder).await;
            assert!(matches!(added, Err(ServersError::Name(_))), "{name}");
        }
        assert!(matches!(add("a", "ftp://b", folder).await, Err(ServersError::Url(_))));
    }
}
