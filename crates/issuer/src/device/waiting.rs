//! A device that waits for a decision.

use directory::authorization::StoredDevice;

use crate::{authorize::Offer, clients::KnownClient};

/// A device that waits for the user who is signed in.
pub(super) struct Waiting {
    pub(super) device: StoredDevice,
    pub(super) client: KnownClient,
    pub(super) offer: Offer,
    /// What the resource is called.
    pub(super) resource: String,
}
