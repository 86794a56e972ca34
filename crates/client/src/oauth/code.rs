//! A person signs in, in a browser (OAuth 2.1 §4.1, with PKCE).

use std::io::{self, Write};

use auth_core::ScopeSet;
use reqwest::Url;
use rmcp::transport::auth::{
    AuthError, AuthorizationManager, AuthorizationRequest, AuthorizationSession,
    InMemoryCredentialStore, OAuthClientConfig,
};
use tokio::time::timeout;

use super::{
    Browser, CLIENT_NAME, Discovered, Identity, LoginError, SIGN_IN_TIME,
    loopback::{self, Loopback},
};
use crate::{
    access::terminal,
    store::{Client, Entry, Grant},
};

/// How the browser's answer comes back.
#[derive(Debug, Clone)]
pub(crate) enum Answering {
    /// To a page on this machine.
    Here(Browser),
    /// Typed in: the browser is on another machine.
    Pasted,
}

/// Signs in. `wanted` are the scopes, if not those that the server asks for; `known` is who we were before.
pub(crate) async fn by_code(
    mut found: Discovered,
    identity: &Identity,
    wanted: Option<&ScopeSet>,
    known: Option<&Client>,
    answering: &Answering,
) -> Result<Entry, LoginError> {
    let (loopback, kept) = page(identity, known).await?;
    let redirect_uri = loopback.redirect_uri();
    let scopes = found.scopes(wanted).await;
    let client = client(&mut found, identity, kept, &redirect_uri, &scopes).await?;

    let mut request = AuthorizationRequest::new(redirect_uri)
        .with_scopes(scopes)
        .with_initial_scope_selection()
        .with_preregistered_client(client.id.clone());
    if let Some(secret) = &client.secret {
        request = request.with_client_secret(secret.clone());
    }
    let tokens = InMemoryCredentialStore::new();
    let Discovered { mut manager, facts } = found;
    manager.set_credential_store(tokens.clone());
    let session = AuthorizationSession::new(manager, request).await.map_err(|(_, error)| error)?;
    let answer = ask(session.get_authorization_url(), &loopback, answering).await?;
    if let Some(code) = loopback::parameter(&answer, "error") {
        let words = loopback::parameter(&answer, "error_description");
        let words = words.map(|words| format!("{code}: {words}"));
        return Err(LoginError::Denied(words.unwrap_or(code)));
    }
    let code = loopback::parameter(&answer, "code").unwrap_or_default();
    let exchanged = session.handle_callback_url(answer.as_str()).await;
    exchanged.map_err(|error| {
        LoginError::from(error).without([code.as_str()].into_iter().chain(client.secret.as_deref()))
    })?;
    facts.entry(Grant::AuthorizationCode, client, &tokens).await
}

/// The page to come back to, and the client that may use it: one that registered itself did so with its
/// port, so it is the same again, or it needs to register anew.
async fn page<'a>(
    identity: &Identity,
    known: Option<&'a Client>,
) -> Result<(Loopback, Option<&'a Client>), LoginError> {
    let bound = |port| async move { Loopback::bind(port).await.map_err(LoginError::Loopback) };
    if identity.redirect_port.is_some() {
        return Ok((bound(identity.redirect_port).await?, known));
    }
    let port = known
        .and_then(|client| Url::parse(client.redirect_uri.as_deref()?).ok())
        .and_then(|url| url.port());
    if let Some(port) = port
        && let Ok(loopback) = bound(Some(port)).await
    {
        return Ok((loopback, known));
    }
    Ok((bound(None).await?, known.filter(|client| !client.dynamic)))
}

/// Who we are: see the order in the module's rules.
async fn client(
    found: &mut Discovered,
    identity: &Identity,
    kept: Option<&Client>,
    redirect_uri: &str,
    scopes: &[String],
) -> Result<Client, LoginError> {
    let named = |id: &str, secret: Option<&String>| Client {
        id: id.to_owned(),
        secret: secret.cloned(),
        redirect_uri: Some(redirect_uri.to_owned()),
        dynamic: false,
    };
    if let Some(id) = &identity.client_id {
        return Ok(named(id, identity.client_secret.as_ref()));
    }
    if let Some(document) = &identity.document
        && found.facts.says("client_id_metadata_document_supported")
    {
        return Ok(named(document, None));
    }
    if let Some(client) = kept {
        return Ok(Client { redirect_uri: Some(redirect_uri.to_owned()), ..client.clone() });
    }
    if found.facts.metadata.registration_endpoint.is_none() {
        return Err(LoginError::NotOffered(
            "registration: get a client id from whoever runs it, and give it as --client-id",
        ));
    }
    let config = register(&mut found.manager, redirect_uri, scopes).await?;
    Ok(Client {
        id: config.client_id,
        secret: config.client_secret,
        redirect_uri: Some(redirect_uri.to_owned()),
        dynamic: true,
    })
}

/// Registers a client (RFC 7591). Some issuers let a client have just the scopes that it registers for;
/// others, whose scopes belong to resources, refuse to register any.
pub(super) async fn register(
    manager: &mut AuthorizationManager,
    redirect_uri: &str,
    scopes: &[String],
) -> Result<OAuthClientConfig, AuthError> {
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    match manager.register_client(CLIENT_NAME, redirect_uri, &scopes).await {
        Err(AuthError::RegistrationFailed(_)) if !scopes.is_empty() => {
            manager.register_client(CLIENT_NAME, redirect_uri, &[]).await
        }
        result => result,
    }
}

/// Sends the person to the page, and waits for the answer.
async fn ask(url: &str, loopback: &Loopback, answering: &Answering) -> Result<Url, LoginError> {
    let parsed = Url::parse(url).map_err(|_| LoginError::Senseless("no authorization URL"))?;
    let state = loopback::parameter(&parsed, "state").unwrap_or_default();
    let mut stderr = io::stderr();
    match answering {
        Answering::Here(browser) => {
            let opened = browser.open(url);
            let how =
                if opened { "A browser opens to sign in, or open" } else { "To sign in, open" };
            // With stderr gone there is nobody to tell, and the browser may have opened all the same.
            let _ = writeln!(stderr, "{how}:\n{url}");
            let answer = tokio::select! {
                answer = timeout(SIGN_IN_TIME, loopback.answer(&state)) => answer,
                () = terminal::interrupted() => return Err(LoginError::Cancelled),
            };
            answer.unwrap_or(Err(LoginError::TooLate))
        }
        Answering::Pasted => {
            let _ = writeln!(
                stderr,
                "To sign in, open this in any browser:\n{url}\nIt ends at a page that cannot be shown. \
                 Paste that page's address here:"
            );
            let line = terminal::line().await.ok_or(LoginError::Cancelled)?;
            let answer = Url::parse(line.trim()).map_err(|_| LoginError::Pasted)?;
            let ours = loopback::parameter(&answer, "state").is_some_and(|theirs| theirs == state);
            if ours { Ok(answer) } else { Err(LoginError::Pasted) }
        }
    }
}
