//! The files of an upstream, read again when they change.
//!
//! So what `upstreams accept` accepts, and what an operator changes in the policy, is in force
//! within a second or two. An acceptance also shows again what had changed and is as it was
//! accepted: the lock file counts acceptances, so that they differ from edits. Files that cannot be
//! used change nothing.

use std::{io, path::Path, sync::Arc};

use auth_core::Action;
use bartizan::MissingRulesError;
use upstream::catalog::Catalog;

use super::files::{GatewayFileError, UpstreamFiles, policy_of, read_lock};
use crate::{
    config::upstreams::UpstreamConfig,
    reload::{
        Applied, ReloadError, Source,
        policy::PolicyInForce,
        text::{Text, TextFile},
    },
};

/// The policy and the lock file of one upstream.
pub(crate) struct WatchedUpstream {
    config: UpstreamConfig,
    catalog: Arc<Catalog>,
    policy: PolicyInForce,
    /// The policy and the lock file.
    files: [TextFile; 2],
    /// How often something was accepted, as the lock file in force says.
    acceptances: u64,
}

impl WatchedUpstream {
    /// The files of `config`.
    pub(crate) fn new(
        config: UpstreamConfig,
        catalog: Arc<Catalog>,
        policy: PolicyInForce,
    ) -> Self {
        let lock = read_lock(&config.lock).ok().flatten();
        let acceptances = lock.map_or(0, |lock| lock.acceptances);
        let files = [&config.policy, &config.lock].map(|path| TextFile::new(path.clone()));
        Self { config, catalog, policy, files, acceptances }
    }
}

impl Source for WatchedUpstream {
    type Content = [Text; 2];

    fn label(&self) -> String {
        format!("policy and lock file of {}", self.config.name.as_str())
    }

    fn read(&mut self, afresh: bool) -> Self::Content {
        self.files.each_mut().map(|file| file.read(afresh))
    }

    fn apply(&mut self, [policy, lock]: &Self::Content) -> Result<Applied, ReloadError> {
        let config = &self.config;
        let (policy, lock) = (text_of(policy, &config.policy)?, text_of(lock, &config.lock)?);
        let files = UpstreamFiles::of_texts(config, policy, lock)?;
        let is_accepted = files.is_accepted();
        let policy = files.policy.ok_or_else(|| ReloadError::Missing(config.policy.clone()))?;
        let lock = files.lock.ok_or_else(|| ReloadError::Missing(config.lock.clone()))?;
        if !is_accepted {
            return Err(ReloadError::NotAccepted);
        }
        let policy = policy_of(&policy)?;
        let offers: Vec<Action> =
            lock.pins.iter().filter_map(|it| it.kind().action(it.key())).collect();
        MissingRulesError::check(&policy, &offers)?;
        let applied = self.policy.replace(policy)?;
        let before = self.catalog.pins();
        // An older file that was put back has fewer.
        let acceptances = std::mem::replace(&mut self.acceptances, lock.acceptances);
        if lock.acceptances > acceptances {
            self.catalog.accept(lock.pins);
            return Ok(Applied::Changed);
        }
        if *before == lock.pins && lock.acceptances == acceptances {
            return Ok(applied);
        }
        self.catalog.replace(lock.pins);
        Ok(Applied::Changed)
    }

    fn detail(&self) -> Option<String> {
        self.policy.digest()
    }
}

fn text_of<'a>(text: &'a Text, path: &Path) -> Result<Option<&'a str>, GatewayFileError> {
    let text = text.as_ref().map(Option::as_deref);
    text.map_err(|reason| GatewayFileError::Io {
        path: path.to_owned(),
        source: io::Error::other(reason.clone()),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use auth_core::Policy;
    use bartizan::{Guard, Issuers};
    use settings::Environment;
    use testkit::{ManualClock, NOW};
    use upstream::catalog::{Definition, Kind, Lock, Pins, Standing};

    use super::*;
    use crate::{
        app::rules::ResourceRules,
        args::RunArgs,
        config::upstreams::{UpstreamPlace, UrlPlace},
        reload::{Part, Recheck, Watched},
    };

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

    fn rules(config: &UpstreamConfig, policy: Policy) -> ResourceRules {
        let (resource, clock) = (config.resource.clone(), ManualClock::at(NOW));
        let issuers = Issuers::new(resource.audience().clone(), clock, []).unwrap();
        let guard = |policy| Guard::new(resource.clone(), policy, [], issuers.clone()).unwrap();
        let (calls, questions) = (guard(policy.clone()).rules(), guard(policy).rules());
        ResourceRules { calls, questions, metrics: None, served: None }
    }

    /// The files of `config` as a gateway watches them that was started with them.
    fn watched(config: &UpstreamConfig, catalog: &Arc<Catalog>) -> (impl Part, ResourceRules) {
        let policy = policy_of(&fs::read_to_string(&config.policy).unwrap()).unwrap();
        let rules = rules(config, policy);
        let recheck = Recheck {
            args: RunArgs::default(),
            environment: Environment::default(),
            is_only_one: true,
        };
        let policy = PolicyInForce::new(rules.clone(), recheck);
        let source = WatchedUpstream::new(config.clone(), Arc::clone(catalog), policy);
        (Watched::new(source, ManualClock::at(NOW)), rules)
    }

    /// A change counts at the second look.
    fn look_twice(watched: &mut impl Part) {
        watched.look();
        watched.look();
    }

    #[test]
    fn what_is_accepted_meanwhile_is_in_force_and_what_cannot_be_used_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let (old, new) = (Pins::accepting(&[tool("1")]), Pins::accepting(&[tool("and 2")]));
        write(&config, "[tools]\nget = []\n", &old, 1);
        let catalog = Arc::new(Catalog::new("files", old.clone()));
        let (mut watch, rules) = watched(&config, &catalog);
        let standing = || catalog.pins().standing(&tool("and 2"));
        look_twice(&mut watch);
        assert_eq!(standing(), Standing::Changed);
        // Without a rule for what was accepted nothing changes.
        write(&config, "[tools]\nother = []\n", &new, 2);
        look_twice(&mut watch);
        assert_eq!(standing(), Standing::Changed);
        write(&config, "[tools]\nget = []\nother = []\n", &new, 2);
        look_twice(&mut watch);
        assert_eq!(standing(), Standing::Accepted);
        assert!(rules.current().requirements(&Action::CallTool("other".into())).is_some());
        assert_eq!(watch.health().failing(), None);
        fs::write(&config.lock, "{}").unwrap();
        look_twice(&mut watch);
        assert_eq!(standing(), Standing::Accepted);
        let what = watch.health().failing().unwrap().what;
        assert_eq!(
            what,
            "a change of the policy and lock file of files is refused, as it is no lock file"
        );
        for path in [&config.lock, &config.policy] {
            write(&config, "[tools]\nget = []\nother = []\n", &new, 2);
            look_twice(&mut watch);
            assert_eq!(watch.health().failing(), None);
            fs::remove_file(path).unwrap();
            look_twice(&mut watch);
            let what = watch.health().failing().unwrap().what;
            assert!(what.ends_with(" of files is refused, as one of them is not there"), "{what}");
            testkit::make_pipe(path);
            look_twice(&mut watch);
            let what = watch.health().failing().unwrap().what;
            assert!(what.ends_with(" of files is refused, as it cannot be read"), "{what}");
            assert!(UpstreamFiles::read(&config).is_err());
            assert_eq!(standing(), Standing::Accepted);
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn what_had_changed_is_used_again_after_an_acceptance_and_not_after_an_edit() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let pins = Pins::accepting(&[tool("1")]);
        write(&config, "[tools]\nget = []\n", &pins, 1);
        let catalog = Arc::new(Catalog::new("files", pins.clone()));
        let (mut watch, _) = watched(&config, &catalog);
        catalog.learn(&[tool("and 2")]);
        catalog.learn(&[tool("1")]);
        write(&config, "[tools]\nget = []\nother = []\n", &pins, 1);
        look_twice(&mut watch);
        assert!(catalog.check(Kind::Tool, "get").is_err());
        // Nor after an older file was put back.
        write(&config, "[tools]\nget = []\n", &pins, 0);
        look_twice(&mut watch);
        assert!(catalog.check(Kind::Tool, "get").is_err());
        write(&config, "[tools]\nget = []\nother = []\n", &pins, 2);
        look_twice(&mut watch);
        assert_eq!(catalog.check(Kind::Tool, "get"), Ok(()));
    }
}
