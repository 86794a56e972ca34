//! Who shares a server.

use auth_core::Owner;

/// Who shares a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Instances {
    /// Each owner has one: the sessions and calls of one user through one client. Callers without
    /// a token are one owner.
    #[default]
    PerOwner,
    /// Each session has one. Calls without a session share one for each owner.
    PerSession,
    /// All callers have one together. Only for a server that keeps nothing between two calls and
    /// asks its client nothing: what one caller gives it, such as roots or a log level, another
    /// one gets.
    Shared,
}

/// Whose a server is. **Invariant:** without an owner only if all share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    owner: Option<Owner>,
    session: Option<String>,
}

impl Key {
    /// The key of `owner`, in `session` if the call has one.
    #[must_use]
    pub fn new(instances: Instances, owner: &Owner, session: Option<&str>) -> Self {
        match instances {
            Instances::PerOwner => Self { owner: Some(owner.clone()), session: None },
            Instances::PerSession => {
                Self { owner: Some(owner.clone()), session: session.map(str::to_owned) }
            }
            Instances::Shared => Self { owner: None, session: None },
        }
    }

    /// Who has it; `None`: all.
    #[must_use]
    pub const fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(subject: &str, client: &str) -> Owner {
        Owner::Principal {
            issuer: "https://issuer.example".parse().unwrap(),
            subject: subject.parse().unwrap(),
            client_id: Some(client.parse().unwrap()),
        }
    }

    #[test]
    fn a_server_is_shared_as_configured() {
        let (alice, bob) = (owner("alice", "a"), owner("bob", "a"));
        let elsewhere = owner("alice", "b");
        let same = |instances, one: (&Owner, Option<&str>), other: (&Owner, Option<&str>)| {
            Key::new(instances, one.0, one.1) == Key::new(instances, other.0, other.1)
        };
        let (first, second) = (Some("1"), Some("2"));
        assert!(same(Instances::PerOwner, (&alice, first), (&alice, second)));
        assert!(!same(Instances::PerOwner, (&alice, first), (&bob, first)));
        assert!(!same(Instances::PerOwner, (&alice, None), (&elsewhere, None)));
        assert!(!same(Instances::PerOwner, (&alice, None), (&Owner::Anonymous, None)));

        assert!(!same(Instances::PerSession, (&alice, first), (&alice, second)));
        assert!(!same(Instances::PerSession, (&alice, first), (&alice, None)));
        // A session's name is no secret between owners.
        assert!(!same(Instances::PerSession, (&alice, first), (&bob, first)));
        assert!(same(Instances::PerSession, (&alice, None), (&alice, None)));

        assert!(same(Instances::Shared, (&alice, first), (&bob, None)));
        assert_eq!(Instances::default(), Instances::PerOwner);
    }
}
