//! `POST /sign-in/with/NAME`: from the sign-in page to the provider.
//!
//! 1. The form is one of our sign-in page in this browser: that page names the client, so no one is
//!    sent to a provider for a client that they have not seen.
//! 2. The answer is a page that leads on, not a redirect: browsers apply `form-action` to redirects
//!    that follow a form, and where the provider is may not be known when the form is shown.

use std::sync::Arc;

use auth_core::oauth::Form;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::header;

use super::{
    flow::{Flow, RequestTooLong},
    problem::{self, Problem},
    provider::Provider,
};
use crate::{
    AuthorizationServer,
    respond::Unavailable,
    sign_in::{FormKind, Next, Posted},
};

/// `POST /sign-in/with/NAME`
pub(crate) async fn start(
    State(server): State<AuthorizationServer>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Response, Unavailable> {
    let Some(provider) = server.config().providers.find(&name).map(Arc::clone) else {
        return Ok(problem::page(&server, None, &Problem::NoSuchProvider, None));
    };
    let Some(next) = posted.next() else {
        return Ok(problem::page(&server, Some(&provider), &Problem::Form, None));
    };
    if !posted.is_genuine(&server, FormKind::SignIn) {
        return Ok(problem::page(&server, Some(&provider), &Problem::Form, Some(&next)));
    }
    begin(&server, &posted, &provider, &next).await
}

async fn begin(
    server: &AuthorizationServer,
    posted: &Posted,
    provider: &Arc<Provider>,
    next: &Next,
) -> Result<Response, Unavailable> {
    let request = next.to_field();
    let begun = Flow::begin(server, &posted.headers, &posted.browser, provider, &request)?;
    let (flow, cookies) = match begun {
        Ok(begun) => begun,
        Err(RequestTooLong) => {
            return Ok(problem::page(server, Some(provider), &Problem::TooLong, None));
        }
    };
    let form = Form::parse(request.as_bytes()).ok();
    let hint = form.as_ref().and_then(|form| form.get("login_hint"));
    let url = match provider.slot() {
        Ok(_slot) => provider.sign_in_url(&flow.bindings, hint, server.clock()).await,
        Err(busy) => Err(busy),
    };
    match url {
        Ok(url) => {
            let mut response = problem::onward(server, provider, url);
            for cookie in cookies {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(fault) => {
            let problem = Problem::Fault(fault);
            Ok(problem::page(server, Some(provider), &problem, Some(next)))
        }
    }
}
