//! Which scopes only read: for "read only" on the consent page.
//!
//! A policy does not say what a tool changes. So the names of scopes decide, and in doubt a scope
//! does not only read:
//!
//! 1. A name is split into words at everything but letters and digits, and before each capital that
//!    follows a small letter: `Files.Read.All` has the words `files`, `read`, `all`.
//! 2. A scope reads if one of its words is in [`READS`] and none in [`CHANGES`].
//! 3. A scope that implies another only reads if the other does as well.

use auth_core::{Policy, Scope, ScopeSet};

/// Words of names that read.
const READS: [&str; 6] = ["read", "readonly", "reader", "view", "list", "get"];

/// Words of names that change something.
const CHANGES: [&str; 18] = [
    "write",
    "readwrite",
    "writer",
    "edit",
    "editor",
    "update",
    "create",
    "add",
    "delete",
    "remove",
    "manage",
    "control",
    "execute",
    "run",
    "send",
    "post",
    "set",
    "modify",
];

/// Those of `scopes` that only read.
pub(super) fn among(policy: &Policy, scopes: &ScopeSet) -> ScopeSet {
    scopes.iter().filter(|scope| only_reads(policy, scope)).cloned().collect()
}

fn only_reads(policy: &Policy, scope: &Scope) -> bool {
    let implied = policy.with_implied(&ScopeSet::from_iter([scope.clone()]));
    !implied.is_empty() && implied.iter().all(|scope| is_named_so(scope.as_str()))
}

fn is_named_so(name: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    has(&READS) && !has(&CHANGES)
}

fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_after_small = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && is_after_small) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut()
            && c.is_ascii_alphanumeric()
        {
            word.push(c.to_ascii_lowercase());
        }
        is_after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide_and_doubt_is_no() {
        for name in ["User.Read", "files:read", "Files.Read.All", "Admin.Read", "viewUsers"] {
            assert!(is_named_so(name), "{name}");
        }
        for name in [
            "User.Write",
            "Files.ReadWrite.All",
            "readwrite",
            "read.delete",
            "mcp",
            "spreadsheets",
            "READWRITE",
            "read_write",
        ] {
            assert!(!is_named_so(name), "{name}");
        }
    }

    #[test]
    fn what_implies_a_change_does_not_only_read() {
        let policy: auth_core::PolicyDocument = toml::from_str(
            "[scopes]\n\"A.Read\" = { about = \"\", implies = [\"A.Write\"] }\n\
             \"A.Write\" = \"\"\n\"B.Read\" = \"\"\n",
        )
        .unwrap();
        let policy = Policy::try_from(policy).unwrap();
        let all = "A.Read A.Write B.Read C.Read".parse().unwrap();
        assert_eq!(among(&policy, &all).to_string(), "B.Read");
    }
}
