//! An upstream as one of the protected resources.

use std::sync::Arc;

use auth_core::{NumericDate, Policy, ResourceUri};
use bartizan::Issuers;
use metrics::{Readings, Source};
use upstream::{
    catalog::{Catalog, Quarantine},
    gateway::Availability,
};

use super::{
    resource::{Backend, Resource},
    upstream::Upstream,
};
use crate::{
    admin::readiness::{Check, Failing},
    config::upstreams::UpstreamConfig,
};

/// An upstream, ready to be one of the resources. Its clones share its servers.
#[derive(Clone)]
pub(crate) struct UpstreamResource {
    /// Its URI.
    pub(crate) uri: ResourceUri,
    /// Who may do what.
    pub(crate) policy: Policy,
    /// What of it may be shown.
    pub(crate) catalog: Arc<Catalog>,
    /// Whether its servers can be started or reached.
    pub(crate) availability: Availability,
    /// What answers.
    pub(crate) upstream: Upstream,
    /// How it is configured, with its files.
    pub(crate) config: UpstreamConfig,
}

impl UpstreamResource {
    /// The resource, for tokens of `issuers`.
    pub(crate) fn resource(self, issuers: &Issuers) -> Resource {
        let issuers = if issuers.audience() == self.uri.audience() {
            issuers.clone()
        } else {
            issuers.for_audience(self.uri.audience().clone())
        };
        let backend = Backend::Upstream(self.upstream);
        Resource { uri: self.uri, policy: self.policy, issuers, backend }
    }

    /// Its files, and what they say may be shown.
    pub(crate) fn files(&self) -> (UpstreamConfig, Arc<Catalog>) {
        (self.config.clone(), Arc::clone(&self.catalog))
    }

    /// What reads its state.
    pub(crate) fn source(&self) -> Source {
        let (name, catalog) = (self.upstream.name().to_owned(), Arc::clone(&self.catalog));
        let availability = self.availability.clone();
        Box::new(move |readings: &mut Readings| {
            let Quarantine { changed, new, refused } = catalog.quarantine();
            let is_up = availability.failing_since().is_none();
            readings.upstream(&name, is_up, changed.len(), new.len(), refused);
        })
    }

    /// What `/readyz` says about it.
    pub(crate) fn checks(&self) -> [Check; 2] {
        let (name, catalog) = (self.upstream.name().to_owned(), Arc::clone(&self.catalog));
        let hidden = move || hidden(&name, &catalog.quarantine());
        let (name, availability) = (self.upstream.name().to_owned(), self.availability.clone());
        let down = move || availability.failing_since().map(|since| unavailable(&name, since));
        [Box::new(hidden), Box::new(down)]
    }
}

/// A server that cannot be started or reached. Callers of other servers are served.
fn unavailable(name: &str, since: NumericDate) -> Failing {
    let what = format!("{name}: the server cannot be started or reached");
    Failing { what, since: Some(since), affects_callers: false, reason: None }
}

/// Something that is hidden because it was not accepted.
fn hidden(name: &str, quarantine: &Quarantine) -> Option<Failing> {
    let (changed, new) = (quarantine.changed.len(), quarantine.new.len());
    let refused = match quarantine.refused {
        0 => String::new(),
        refused => format!("; {refused} calls of such were refused"),
    };
    (changed + new > 0).then(|| Failing {
        what: format!("{name}: {changed} changed and {new} new definitions are hidden{refused}"),
        since: None,
        affects_callers: false,
        reason: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_is_reported_and_callers_are_served() {
        assert_eq!(hidden("files", &Quarantine::default()), None);
        let kind = upstream::catalog::Kind::Tool;
        let mut quarantine =
            Quarantine { changed: vec![(kind, "a".into())], ..Quarantine::default() };
        let failing = hidden("files", &quarantine).unwrap();
        assert_eq!(failing.what, "files: 1 changed and 0 new definitions are hidden");
        quarantine.refused = 3;
        let what = hidden("files", &quarantine).unwrap().what;
        assert!(what.ends_with("are hidden; 3 calls of such were refused"), "{what}");
        assert!(!failing.affects_callers);
        assert!(!unavailable("files", NumericDate::EPOCH).affects_callers);
    }
}
