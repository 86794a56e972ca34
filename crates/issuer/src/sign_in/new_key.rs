//! A key of a second factor that is being set up.

use secrecy::SecretString;

/// A key as its page shows it.
pub(crate) struct NewKey {
    /// In base32.
    pub(super) key: SecretString,
    /// Its QR code.
    pub(super) picture: SecretString,
    /// Which key it is: sealed for the browser and the user.
    pub(super) proof: String,
}
