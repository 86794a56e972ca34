//! The files of an upstream, read again when they change.
//!
//! So what `upstreams accept` accepts, and what an operator changes in the policy, is in force
//! within some seconds. An acceptance also shows again what had changed and is as it was accepted:
//! the lock file counts acceptances, so that they differ from edits. Files that cannot be used
//! change nothing. The authorization server shows the scopes of a changed policy after a restart.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use auth_core::Action;
use bartizan::MissingRulesError;
use tokio_util::sync::CancellationToken;
use upstream::catalog::Catalog;

use super::files::{UpstreamFiles, policy_of, read_lock};
use crate::{app::upstream::SharedRules, config::upstreams::UpstreamConfig};

/// How often it is looked whether they have changed.
const INTERVAL: Duration = Duration::from_secs(1);

/// The files of one upstream.
pub(super) struct Watch {
    config: UpstreamConfig,
    catalog: Arc<Catalog>,
    rules: SharedRules,
    seen: [Option<Stamp>; 2],
    /// How often something was accepted, as the lock file in force says.
    acceptances: u64,
}

/// What distinguishes two states of a file: when it was changed, and its length.
type Stamp = (SystemTime, u64);

impl Watch {
    /// The files of `config`, as they are now.
    pub(super) fn new(config: UpstreamConfig, catalog: Arc<Catalog>, rules: SharedRules) -> Self {
        let seen = stamps(&config);
        let lock = read_lock(&config.lock).ok().flatten();
        let acceptances = lock.map_or(0, |lock| lock.acceptances);
        Self { config, catalog, rules, seen, acceptances }
    }

    /// Looks every second, until `stop` is cancelled.
    pub(super) async fn keep_fresh(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => self.poll(),
                () = stop.cancelled() => return,
            }
        }
    }

    fn poll(&mut self) {
        let now = stamps(&self.config);
        if std::mem::replace(&mut self.seen, now) == now {
            return;
        }
        let reloaded = self.reload();
        let upstream = self.config.name.as_str();
        match reloaded {
            Ok(()) => tracing::info!(upstream, "The policy and the lock file were read again"),
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                tracing::warn!(
                    upstream,
                    error,
                    "The policy and the lock file cannot be used: the old ones stay in force"
                );
            }
        }
    }

    fn reload(&mut self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let files = UpstreamFiles::read(&self.config)?;
        let is_accepted = files.is_accepted();
        let (Some(policy), Some(lock), true) = (files.policy, files.lock, is_accepted) else {
            return Err("the policy is not accepted".into());
        };
        let policy = policy_of(&policy)?;
        let offers: Vec<Action> =
            lock.pins.iter().filter_map(|it| it.kind().action(it.key())).collect();
        MissingRulesError::check(&policy, &offers)?;
        if let Some(rules) = self.rules.get() {
            rules.replace(policy)?;
        }
        // An older file that was put back has fewer.
        if lock.acceptances > std::mem::replace(&mut self.acceptances, lock.acceptances) {
            self.catalog.accept(lock.pins);
        } else {
            self.catalog.replace(lock.pins);
        }
        Ok(())
    }
}

fn stamps(config: &UpstreamConfig) -> [Option<Stamp>; 2] {
    let stamp = |path: &Path| {
        let found = fs::metadata(path).ok()?;
        Some((found.modified().ok()?, found.len()))
    };
    [stamp(&config.policy), stamp(&config.lock)]
}

#[cfg(test)]
mod tests {
    use upstream::catalog::{Definition, Kind, Lock, Pins, Standing};

    use super::*;
    use crate::config::upstreams::{UpstreamPlace, UrlPlace};

    fn tool(about: &str) -> Definition {
        let text = format!(r#"{{"name":"get","description":"{about}"}}"#);
        Definition::read(Kind::Tool, &text).unwrap()
    }

    fn write(config: &UpstreamConfig, policy: &str, pins: &Pins, acceptances: u64) {
        fs::write(&config.policy, policy).unwrap();
        let lock = Lock { pins: pins.clone(), suggested_policy: None, acceptances };
        fs::write(&config.lock, lock.text()).unwrap();
    }

    fn config(folder: &Path) -> UpstreamConfig {
        let url = UrlPlace::new("http://127.0.0.1:1/mcp", false).unwrap();
        UpstreamConfig {
            name: "files".parse().unwrap(),
            resource: "http://localhost:8000/mcp".parse().unwrap(),
            place: UpstreamPlace::Url(Box::new(url)),
            pool: upstream::pool::PoolConfig::default(),
            roots: false,
            policy: folder.join("p.toml"),
            lock: folder.join("l.json"),
        }
    }

    #[test]
    fn what_is_accepted_meanwhile_is_in_force_and_what_cannot_be_used_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let (old, new) = (Pins::accepting(&[tool("1")]), Pins::accepting(&[tool("and 2")]));
        write(&config, "[tools]\nget = []\n", &old, 1);
        let catalog = Arc::new(Catalog::new("files", old.clone()));
        let mut watch = Watch::new(config.clone(), Arc::clone(&catalog), SharedRules::default());
        let standing = || catalog.pins().standing(&tool("and 2"));
        watch.poll();
        assert_eq!(standing(), Standing::Changed);
        // Without a rule for what was accepted nothing changes.
        write(&config, "[tools]\nother = []\n", &new, 2);
        watch.poll();
        assert_eq!(standing(), Standing::Changed);
        write(&config, "[tools]\nget = []\nother = []\n", &new, 2);
        watch.poll();
        assert_eq!(standing(), Standing::Accepted);
        fs::write(&config.lock, "{}").unwrap();
        watch.poll();
        assert_eq!(standing(), Standing::Accepted);
    }

    #[test]
    fn what_had_changed_is_used_again_after_an_acceptance_and_not_after_an_edit() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let pins = Pins::accepting(&[tool("1")]);
        write(&config, "[tools]\nget = []\n", &pins, 1);
        let catalog = Arc::new(Catalog::new("files", pins.clone()));
        let mut watch = Watch::new(config.clone(), Arc::clone(&catalog), SharedRules::default());
        catalog.learn(&[tool("and 2")]);
        catalog.learn(&[tool("1")]);
        write(&config, "[tools]\nget = []\nother = []\n", &pins, 1);
        watch.poll();
        assert!(catalog.check(Kind::Tool, "get").is_err());
        // Nor after an older file was put back.
        write(&config, "[tools]\nget = []\n", &pins, 0);
        watch.poll();
        assert!(catalog.check(Kind::Tool, "get").is_err());
        write(&config, "[tools]\nget = []\nother = []\n", &pins, 2);
        watch.poll();
        assert_eq!(catalog.check(Kind::Tool, "get"), Ok(()));
    }
}
