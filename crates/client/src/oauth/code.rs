//! A person signs in, in a browser (OAuth 2.1 §4.1, with PKCE).
//!
//! A client that we registered earlier may be forgotten by its issuer. Then we register anew, once:
//! when the issuer turns it away before the page opens, answers that it does not know it, or
//! refuses it the token.

use std::io::{self, Write};

use auth_core::ScopeSet;
use tokio::time::timeout;
use url::Url;

use super::{
    Browser, Discovered, Identity, LoginError, Outward, SIGN_IN_TIME,
    answer::Answer,
    authorization::AuthorizationRequest,
    client_auth::{self, Preferred, method},
    loopback::Loopback,
    redirect::parameter,
    register::register,
};
use crate::{
    interrupt,
    store::{Client, Entry, Grant},
};

const GRANTS: [&str; 2] = ["authorization_code", "refresh_token"];

/// How the browser's answer comes back.
#[derive(Debug, Clone)]
pub(crate) enum Callback {
    /// To a page on this machine.
    Loopback(Browser),
    /// Typed in: the browser is on another machine.
    Manual,
}

/// Who we were at the issuer before.
#[derive(Clone, Copy)]
pub(crate) struct Before<'a> {
    /// The client.
    pub(crate) client: Option<&'a Client>,
    /// Whether the issuer is asked first whether it still knows a client that we registered:
    /// nothing else in this run has shown that it does.
    pub(crate) is_checked: bool,
}

/// Signs in. `wanted` are the scopes, if not those that the server asks for.
pub(crate) async fn authorization_code(
    found: Discovered,
    identity: &Identity,
    wanted: Option<&ScopeSet>,
    before: Before<'_>,
    callback: &Callback,
    outward: &Outward,
) -> Result<Entry, LoginError> {
    found.info.has_code(identity.assume_pkce)?;
    let known = before.client.filter(|client| !client.is_forgotten());
    let (loopback, mut kept) = page(identity, known).await?;
    let scopes = found.info.with_offline(found.scopes(wanted).await);
    let uri = loopback.redirect_uri();
    loop {
        let client = client(&found, identity, kept, &uri, &scopes, outward).await?;
        let is_ours_of_before = client.dynamic && kept.is_some();
        let request = AuthorizationRequest::new(&found.info, &client, &uri, &scopes)?;
        if is_ours_of_before && before.is_checked && request.is_turned_away(outward).await {
            kept = None;
            continue;
        }
        let got = exchanged(&found, &client, &request, &loopback, callback, outward).await;
        match got {
            Err(error) if is_ours_of_before && error.is_about_client() => kept = None,
            Err(error) => return Err(error),
            Ok(answer) => {
                let tokens = answer.tokens()?;
                return found.info.entry(Grant::AuthorizationCode, client, &tokens, scopes);
            }
        }
    }
}

/// Asks the person, and gives the code for what it is good for.
async fn exchanged(
    found: &Discovered,
    client: &Client,
    request: &AuthorizationRequest,
    loopback: &Loopback,
    callback: &Callback,
    outward: &Outward,
) -> Result<Answer, LoginError> {
    let info = &found.info;
    let answer = ask(request, loopback, callback).await?;
    let code = request.code(&answer, info)?;
    let redirect_uri = loopback.redirect_uri();
    let form = vec![
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", redirect_uri.as_str()),
        ("code_verifier", request.verifier()),
        ("resource", info.resource.as_str()),
    ];
    let endpoint = &info.metadata.token_endpoint;
    let who = (client, method(client, &info.metadata, Preferred::Basic));
    let exchanged = async {
        let reply = client_auth::post(endpoint, form, who, outward).await?;
        Answer::read(endpoint, &reply)
    };
    let secrets = [Some(code.as_str()), Some(request.verifier()), client.secret.as_deref()];
    exchanged.await.map_err(|error| error.without(secrets.into_iter().flatten()))
}

/// The page to come back to, and the client that may use it: one that registered itself did so with
/// its address, so it is the same again, or it needs to register anew.
async fn page<'a>(
    identity: &Identity,
    known: Option<&'a Client>,
) -> Result<(Loopback, Option<&'a Client>), LoginError> {
    let host = identity.redirect_host;
    let bound =
        |port| async move { Loopback::bind(host, port).await.map_err(LoginError::Loopback) };
    let uri = known.and_then(|client| Url::parse(client.redirect_uri.as_deref()?).ok());
    let is_same_host = uri.as_ref().and_then(Url::host_str) == Some(host.name());
    let known = known.filter(|client| !client.dynamic || is_same_host);
    if identity.redirect_port.is_some() {
        let loopback = bound(identity.redirect_port).await?;
        let is_registered = |client: &&Client| {
            !client.dynamic || client.redirect_uri.as_deref() == Some(&loopback.redirect_uri())
        };
        let known = known.filter(is_registered);
        return Ok((loopback, known));
    }
    if let Some(port) = known.and(uri).and_then(|url| url.port())
        && let Ok(loopback) = bound(Some(port)).await
    {
        return Ok((loopback, known));
    }
    Ok((bound(None).await?, known.filter(|client| !client.dynamic)))
}

/// Who we are: see the order in the module's rules.
async fn client(
    found: &Discovered,
    identity: &Identity,
    kept: Option<&Client>,
    redirect_uri: &str,
    scopes: &[String],
    outward: &Outward,
) -> Result<Client, LoginError> {
    if let Some(named) = identity.client(&found.info) {
        return Ok(Client { redirect_uri: Some(redirect_uri.to_owned()), ..named });
    }
    if let Some(client) = kept {
        return Ok(Client { redirect_uri: Some(redirect_uri.to_owned()), ..client.clone() });
    }
    register(
        found.info.registration()?,
        Some(redirect_uri),
        &GRANTS,
        scopes,
        outward,
        found.info.now(),
    )
    .await
}

/// Sends the person to the page, and waits for the answer.
async fn ask(
    request: &AuthorizationRequest,
    loopback: &Loopback,
    callback: &Callback,
) -> Result<Url, LoginError> {
    let (url, state) = (request.url(), request.state());
    let mut stderr = io::stderr();
    match callback {
        Callback::Loopback(browser) => {
            let opened = browser.open(url);
            let how =
                if opened { "A browser opens to sign in, or open" } else { "To sign in, open" };
            // Without stderr the browser may still have opened.
            let _ = writeln!(stderr, "{how}:\n{url}");
            let answer = tokio::select! {
                answer = timeout(SIGN_IN_TIME, loopback.answer(state)) => answer,
                () = interrupt::interrupted() => return Err(LoginError::Cancelled),
            };
            answer.unwrap_or(Err(LoginError::SignInTimeout(SIGN_IN_TIME)))
        }
        Callback::Manual => {
            let _ = writeln!(
                stderr,
                "To sign in, open this in any browser:\n{url}\nIt ends at a page that cannot be shown. \
                 Paste that page's address here:"
            );
            let line = interrupt::line().await.ok_or(LoginError::Cancelled)?;
            let answer = Url::parse(line.trim()).map_err(|_| LoginError::Pasted)?;
            let ours = parameter(&answer, "state").is_some_and(|theirs| theirs == state);
            if ours { Ok(answer) } else { Err(LoginError::Pasted) }
        }
    }
}
