//! An authorization request, read and checked.

use auth_core::{
    ClientId,
    oauth::{
        Authorization, AuthorizationRequest, Form, PageError, RedirectUri, RedirectedError,
        RequestError,
    },
};

use crate::{
    AuthorizationServer, PeerAddress,
    clients::{self, ClientLookupError, KnownClient},
    respond::Unavailable,
};

/// A request that may be shown to a user.
#[derive(Debug, Clone)]
pub(crate) struct CheckedRequest {
    /// The query as it was sent.
    pub(crate) text: String,
    /// The client that asks.
    pub(crate) client: KnownClient,
    /// What it asks for.
    pub(crate) authorization: Authorization,
}

/// Why a request is not shown to a user.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    /// The request is malformed, and there is no safe place to redirect to.
    #[error("the request is malformed")]
    Page {
        /// What is wrong.
        #[source]
        error: PageError,
        /// What the client calls itself, if it is known.
        name: Option<String>,
    },
    /// The client is unknown.
    #[error("the client is unknown")]
    Client(Box<UnknownClient>),
    /// The metadata document of the client cannot be had now: why, as a text for people.
    #[error("the metadata document of the client cannot be had")]
    Unreachable(ClientId, String),
    /// The error goes back to the client.
    #[error("the request is refused")]
    Redirected {
        /// What is wrong, and where that goes.
        #[source]
        error: Box<RedirectedError>,
        /// Whether an operator added the client.
        is_operators: bool,
    },
    /// Something is not there now.
    #[error("the request cannot be checked now")]
    Unavailable(#[source] Unavailable),
}

/// A client that is not known, as far as a user can recognize it. Nothing of it is proven.
#[derive(Debug)]
pub(crate) struct UnknownClient {
    /// Its id.
    pub(crate) id: ClientId,
    /// What is wrong with its metadata document, as a text for people.
    pub(crate) fault: Option<String>,
    /// What it called itself when a user last gave it a grant.
    pub(crate) name: Option<String>,
    /// Where it asks the browser to go afterwards.
    pub(crate) redirect_uri: Option<RedirectUri>,
}

/// Reads and checks the request with this query.
pub(crate) async fn check(
    server: &AuthorizationServer,
    peer: Option<PeerAddress>,
    text: &str,
) -> Result<CheckedRequest, CheckError> {
    let request = AuthorizationRequest::parse(text.as_bytes())
        .map_err(|error| CheckError::Page { error, name: None })?;
    let id = request.client_id();
    let client = match clients::find(server, id, peer).await {
        Ok(client) => client,
        Err(ClientLookupError::Unknown(fault)) => {
            return Err(unknown(server, &request, fault).await);
        }
        Err(ClientLookupError::Unreachable(words)) => {
            return Err(CheckError::Unreachable(id.clone(), words));
        }
        Err(ClientLookupError::Unavailable(fault)) => return Err(CheckError::Unavailable(fault)),
    };
    let resources = server.config().resource_uris();
    let authorization =
        request.check(&client.metadata, &resources).map_err(|error| match error {
            RequestError::Page(error) => {
                CheckError::Page { error, name: client.name().map(str::to_owned) }
            }
            RequestError::Redirected(error) => {
                CheckError::Redirected { error, is_operators: client.is_operators }
            }
        })?;
    Ok(CheckedRequest { text: text.to_owned(), client, authorization })
}

async fn unknown(
    server: &AuthorizationServer,
    request: &AuthorizationRequest,
    fault: Option<String>,
) -> CheckError {
    let id = request.client_id().clone();
    // The page about a document says what is wrong with it.
    let name = match fault {
        Some(_) => Ok(None),
        None => server.store().last_client_name(&id).await,
    };
    match name {
        Ok(name) => {
            let redirect_uri = request.claimed_redirect_uri();
            CheckError::Client(Box::new(UnknownClient { id, fault, name, redirect_uri }))
        }
        Err(fault) => CheckError::Unavailable(fault.into()),
    }
}

/// The query of a request whose user has just signed in: without what asks for signing in again.
pub(crate) fn after_sign_in(request: &str) -> String {
    let prompt = |pair: &str| {
        let form = Form::parse(pair.as_bytes()).ok()?;
        form.get("prompt").map(str::to_owned)
    };
    let prompts: Vec<String> = request.split('&').filter_map(prompt).collect();
    let wants_consent = prompts.iter().any(|it| it.split(' ').any(|it| it == "consent"));
    let kept = request.split('&').filter(|pair| prompt(pair).is_none());
    let query: Vec<&str> = kept.chain(wants_consent.then_some("prompt=consent")).collect();
    query.join("&")
}

#[cfg(test)]
mod tests {
    #[test]
    fn signing_in_answers_what_asks_for_it() {
        for (before, after) in [
            ("client_id=c&prompt=login&state=a%2Bb", "client_id=c&state=a%2Bb"),
            ("prompt=login%20consent&client_id=c", "client_id=c&prompt=consent"),
            ("pr%6Fmpt=select_account&client_id=c", "client_id=c"),
            ("prompt=consent&client_id=c", "client_id=c&prompt=consent"),
            ("client_id=c", "client_id=c"),
        ] {
            assert_eq!(super::after_sign_in(before), after);
        }
    }
}
