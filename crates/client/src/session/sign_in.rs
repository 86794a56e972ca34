//! A sign-in in the middle of a run: with a browser, or on another device.

use auth_core::{Challenge, ScopeSet};

use super::lookup;
use crate::{
    config::Config,
    oauth::{
        Before, Callback, DEVICE_ENDPOINT, Discovered, LoginError, ShowCode, authorization_code,
        device_code,
    },
    store::Entry,
};

/// The entry before a sign-in.
#[derive(Clone, Copy)]
pub(super) struct Previous<'a> {
    pub(super) entry: Option<&'a Entry>,
    /// Whether the issuer of that entry is of no more use.
    pub(super) elsewhere: bool,
}

/// How a person signs in.
pub(crate) struct Way<'a> {
    /// How the browser's answer comes back.
    pub(crate) callback: Callback,
    /// What shows a code for another device. With it a code is asked for, where the issuer has
    /// such, instead of a browser on this machine.
    pub(crate) show: Option<&'a ShowCode<'a>>,
    /// Called before the person is asked.
    pub(crate) begins: &'a (dyn Fn() + Send + Sync),
}

/// Signs in, and stores the token. `wanted` are the scopes of a step-up. `None`, if it would be at
/// the same issuer once more, and that is of no use.
pub(super) async fn sign_in(
    config: &Config,
    challenge: Option<&Challenge>,
    wanted: Option<ScopeSet>,
    previous: Previous<'_>,
    way: &Way<'_>,
) -> Result<Option<Entry>, LoginError> {
    let tokens = &config.tokens;
    let outward = config.outward()?;
    // What was accepted at the last sign-in still is.
    let mut exceptions = tokens.exceptions();
    let accepted = previous.entry.map(|entry| entry.resource.as_str());
    exceptions.resource = exceptions.resource.or(accepted);
    let (endpoint, clock) = (&config.endpoint, &config.clock);
    let found = Discovered::at(endpoint, challenge, exceptions, &outward, clock).await?;
    let is_step_up = wanted.is_some();
    // The client and the scopes of an entry count at its issuer only.
    let known = previous.entry.filter(|entry| entry.issuer == found.info.issuer);
    if previous.elsewhere && known.is_some() {
        return Ok(None);
    }
    let wanted = match (&tokens.args().scope, wanted, known) {
        (Some(set), None, _) => Some(set.clone()),
        (Some(set), Some(wanted), _) => Some(set.union(&wanted)),
        (None, Some(wanted), _) => Some(wanted),
        (None, None, Some(known)) if !known.scopes().is_empty() => {
            let asked = found.scopes(None).await.join(" ").parse().unwrap_or_default();
            Some(known.scopes().union(&asked))
        }
        (None, None, _) => None,
    };
    let client = known.map(|entry| &entry.client);
    let before = Before { client, is_checked: !is_step_up };
    let identity = tokens.identity()?;
    let wanted = wanted.as_ref();
    let entry = match way.show {
        Some(show) if found.info.text(DEVICE_ENDPOINT).is_some() => {
            device_code(found, &identity, wanted, client, &outward, show).await?
        }
        _ => {
            let callback = &way.callback;
            authorization_code(found, &identity, wanted, before, callback, &outward).await?
        }
    };
    lookup::save(config, &entry).await?;
    Ok(Some(entry))
}
