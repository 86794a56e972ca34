//! Names that were probably meant.

use settings::similar;

use crate::failure::{Failure, is_plain};

/// The failure of a request, with the name that was probably meant, if `names`, which are listed,
/// do not have the one in the request.
pub(super) fn meant<'a>(
    failure: Failure,
    name: &str,
    names: impl Iterator<Item = &'a str> + Clone,
) -> Failure {
    if names.clone().any(|known| known == name) || failure.required().is_some() {
        return failure;
    }
    // The names are the server's words.
    let plain = |name: &&str| name.chars().all(|c| is_plain(c) && c != ' ');
    match similar(name, names.filter(plain)) {
        Some(meant) => failure.with_hint(format!("did you mean `{meant}`?")),
        None => failure,
    }
}
