//! The client of a request, as pages show it.

use super::CheckedRequest;
use crate::pages::{Asker, Destination, Label, Proof};

impl From<&CheckedRequest> for Asker {
    fn from(checked: &CheckedRequest) -> Self {
        let client = &checked.client;
        let proof = match &client.document {
            Some(document) => Proof::Domain(Label::host(document.host())),
            None if client.is_operators => Proof::Operator,
            None => Proof::None,
        };
        Self {
            name: Label::name(client.name().unwrap_or_default()),
            proof,
            destination: Destination::from(checked.authorization.redirect_uri()),
        }
    }
}
