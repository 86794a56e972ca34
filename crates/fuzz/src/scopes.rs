//! A list of scopes.

use auth_core::{Scope, ScopeSet};

/// The bytes as a list of scopes. It is one by the grammar of RFC 6749 §3.3, written down anew
/// here; prints as itself, in order; and reads back.
pub fn scopes(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let nqchar = |b: &u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    let is_scope = |part: &[u8]| !part.is_empty() && part.iter().all(nqchar);
    let is_list = data.is_empty() || data.split(|&b| b == b' ').all(is_scope);
    let parsed = text.parse::<ScopeSet>();
    assert_eq!(parsed.is_ok(), is_list);
    assert_eq!(text.parse::<Scope>().is_ok(), is_scope(data));
    let Ok(set) = parsed else { return false };

    let mut sorted: Vec<_> = text.split(' ').filter(|part| !part.is_empty()).collect();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(set.to_string(), sorted.join(" "));
    assert_eq!(set.len(), sorted.len());
    assert_eq!(set.to_string().parse().as_ref(), Ok(&set));
    let json = serde_json::to_string(&set).unwrap();
    assert_eq!(serde_json::from_str::<ScopeSet>(&json).unwrap(), set);

    let half: ScopeSet = set.iter().step_by(2).cloned().collect();
    assert!(set.satisfies(&half) && half.satisfies(&set) == (half == set));
    assert_eq!((set.union(&half), set.intersection(&half)), (set.clone(), half));
    true
}
