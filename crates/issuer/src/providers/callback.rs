//! `GET /sign-in/callback/NAME`: from the provider to a session.
//!
//! 1. The state finds the sign-in in the cookies of this browser. Without it the provider is not
//!    asked, and nothing is written.
//! 2. The sign-in is used up before the code is exchanged: of two requests with the same answer, on
//!    any nodes, one goes on. A browser that is signed in by then goes on without the other.
//! 3. One address has a bound: each sign-in that is used up is remembered.
//! 4. It is the one `GET` that changes something: what permits it is the form that it began with.
//! 5. So it is also refused while a change could not be recorded, before anything is used up.

use std::sync::Arc;

use auth_core::openid::{Callback, CallbackError, admit};
use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    response::Response,
};
use directory::{Directory, authorization::FirstProof};
use http::{HeaderMap, header};

use super::{
    fault::ProviderFault,
    flow::Flow,
    problem::{self, Problem},
    provider::Provider,
    provision::{Found, provision},
};
use crate::{
    AuthorizationServer, PeerAddress,
    respond::{self, Unavailable},
    sign_in::{Browser, Next, finish},
};

/// `GET /sign-in/callback/NAME`
pub(crate) async fn callback(
    State(server): State<AuthorizationServer>,
    peer: Option<Extension<PeerAddress>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Unavailable> {
    server.check_recordable()?;
    let Some(provider) = server.config().providers.find(&name).map(Arc::clone) else {
        return Ok(problem::page(&server, None, &Problem::NoSuchProvider, None));
    };
    let over = || problem::page(&server, Some(&provider), &Problem::Over, None);
    let Ok(callback) = Callback::parse(query.unwrap_or_default().as_bytes()) else {
        return Ok(over());
    };
    let browser = Browser::of(&server, &headers).await?;
    let state = callback.unverified_state().unwrap_or_default();
    let Some(flow) = Flow::find(&server, &headers, &browser, &provider, state) else {
        return Ok(over());
    };
    let Some(next) = Next::parse(&flow.request) else { return Ok(over()) };
    let address = peer.map(|Extension(PeerAddress(address))| address);
    if server.count_single_use(address).is_err() {
        let busy = Problem::Fault(ProviderFault::Busy);
        return Ok(problem::page(&server, Some(&provider), &busy, Some(&next)));
    }
    let step = Step { server: &server, headers: &headers, browser: &browser, flow: &flow };
    let mut response = step.go_on(&provider, &callback, &next).await?;
    response.headers_mut().append(header::SET_COOKIE, flow.clear(&server));
    Ok(response)
}

/// A sign-in whose browser has come back.
struct Step<'a> {
    server: &'a AuthorizationServer,
    headers: &'a HeaderMap,
    browser: &'a Browser,
    flow: &'a Flow,
}

impl Step<'_> {
    async fn go_on(
        &self,
        provider: &Arc<Provider>,
        callback: &Callback,
        next: &Next,
    ) -> Result<Response, Unavailable> {
        let problem =
            |problem: &Problem| Ok(problem::page(self.server, Some(provider), problem, Some(next)));
        let (clock, bindings) = (self.server.clock(), &self.flow.bindings);
        // Held until the provider has said who the user is.
        let Ok(slot) = provider.slot() else {
            return problem(&Problem::Fault(ProviderFault::Busy));
        };
        let code = match provider.code(callback, bindings, clock).await {
            Ok(code) => code,
            Err(fault) => return problem(&Problem::Fault(fault)),
        };
        if !self.flow.take(self.server, provider).await? {
            if self.browser.session.is_some() {
                return Ok(respond::redirect(&next.location(self.server.config())));
            }
            return problem(&Problem::Over);
        }
        let code = match code {
            Ok(code) => code,
            Err(CallbackError::State) => return problem(&Problem::Over),
            Err(fault) => return problem(&Problem::Callback(fault)),
        };
        let claims = match provider.claims(&code, bindings, clock).await {
            Ok(claims) => claims,
            Err(fault) => return problem(&Problem::Fault(fault)),
        };
        drop(slot);
        let config = &provider.config;
        let identity =
            admit(&config.name, &claims, &config.subject_claim, &config.rules, &config.roles);
        let identity = match identity {
            Ok(identity) => identity,
            Err(fault) => return problem(&Problem::NotAdmitted(fault)),
        };
        let name = match provision(self.server, config, &identity).await? {
            Found::Active(name) => name,
            Found::Disabled => return problem(&Problem::Disabled(identity)),
            Found::Unknown => return problem(&Problem::Unknown(identity)),
        };
        let user = self.server.users().find(&name.issuer, &name.subject).await?;
        let Some(user) = user.filter(|user| user.is_active()) else {
            return problem(&Problem::Disabled(identity));
        };
        let method = FirstProof::Provider(config.name.clone());
        finish(self.server, self.browser, self.headers, &user, method, next).await
    }
}
