//! What may be configured about the world, or go wrong in it.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// How the world is.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that may go wrong")]
pub(crate) struct Knobs {
    /// How long a token lives.
    pub(crate) life: Option<u64>,
    /// Whether there are refresh tokens.
    pub(crate) no_refresh: bool,
    /// What answers say their issuer is.
    pub(crate) iss: Option<String>,
    /// What the issuer's metadata has instead.
    pub(crate) metadata: Vec<(&'static str, Value)>,
    /// What the resource's metadata has instead.
    pub(crate) resource: Vec<(&'static str, Value)>,
    /// The scopes that a tool needs at the first call, the second, and so on; the last ones from
    /// then on.
    pub(crate) needs: HashMap<&'static str, Vec<&'static str>>,
    /// Tools that no user may call.
    pub(crate) forbidden: HashSet<&'static str>,
    /// Grants what was asked for, without what is in here.
    pub(crate) withheld: HashSet<&'static str>,
    /// Registrations with scopes are refused.
    pub(crate) registers_no_scopes: bool,
    /// Registrations without a redirect URI are refused.
    pub(crate) registers_pages_only: bool,
    /// The server takes no token.
    pub(crate) is_deaf: bool,
    /// The person says no.
    pub(crate) refuses: bool,
    /// How often a device has to wait.
    pub(crate) pending: usize,
    /// A path whose answer comes so many milliseconds late.
    pub(crate) slow: Option<(&'static str, u64)>,
    /// Where challenges say that the resource's metadata is; an empty one is a place of ours with
    /// nothing.
    pub(crate) pointer: Option<&'static str>,
    /// What the names that it gives to clients end with.
    pub(crate) client_suffix: &'static str,
    /// Refuses every request for a token, and says again what it was sent.
    pub(crate) echoes: bool,
    /// What of a token answer is otherwise; `null` is left out.
    pub(crate) tokens: Vec<(&'static str, Value)>,
    /// Answers to requests for a token, in place of a real one, in this order.
    pub(crate) instead: Vec<(u16, &'static str)>,
    /// What the answer to a registration has besides.
    pub(crate) registered: Vec<(&'static str, Value)>,
    /// How the page to sign in at turns away a client that is not known.
    pub(crate) turns_away: TurnsAway,
    /// The status of the page that answers `prompt=none`, for every client.
    pub(crate) refuses_probes: Option<u16>,
    /// What a device code has instead.
    pub(crate) device: Vec<(&'static str, Value)>,
    /// What answers in place of a real one say of when to ask again.
    pub(crate) retry_after: Option<&'static str>,
    /// There is no metadata of an issuer.
    pub(crate) publishes_nothing: bool,
    /// Header lines before the challenge.
    pub(crate) lines_before: Vec<&'static str>,
    /// Whether the challenge has spaces around `=`.
    pub(crate) is_spaced: bool,
}

/// How the page to sign in at turns away a client that is not known.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum TurnsAway {
    /// With an error page, and status 401.
    #[default]
    Page,
    /// With status 400 and JSON with the error code.
    Json,
    /// With an error page that does not say what is wrong, and this status.
    QuietPage(u16),
    /// Back to the client.
    Back,
    /// Not at all: only the token endpoint looks.
    Later,
}
