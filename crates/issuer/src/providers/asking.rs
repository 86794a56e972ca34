//! A provider is asked: where the browser goes, and what the provider says about the user who comes
//! back.

use std::sync::Arc;

use auth_core::{
    Clock, Leeway,
    openid::{
        Callback, CallbackContext, CallbackError, ExpectedIdToken, ProviderCode, SignInRequest,
        TokenResponse, UserClaims, verify_id_token,
    },
};
use outbound::Request;

use super::{
    ClientAuthentication, ProviderKind,
    fault::ProviderFault,
    github::GitHub,
    http::NamedBy,
    metadata::{self, Endpoints, unreachable},
    provider::{Bindings, Provider},
};

impl Provider {
    /// Where the browser goes.
    pub(super) async fn sign_in_url(
        &self,
        bindings: &Bindings,
        login_hint: Option<&str>,
        clock: &Arc<dyn Clock>,
    ) -> Result<String, ProviderFault> {
        let (endpoint, nonce, scopes) = match &self.config.kind {
            ProviderKind::OpenId { .. } => {
                let endpoint = self.endpoints(clock).await?.authorization.clone();
                (endpoint, Some(bindings.nonce.as_str()), self.config.scopes.join(" "))
            }
            ProviderKind::GitHub { site, .. } => {
                let github = GitHub { provider: self };
                (GitHub::authorization_endpoint(site)?, None, github.scopes().join(" "))
            }
        };
        let request = SignInRequest {
            endpoint: endpoint.url(),
            client_id: self.config.client_id.as_str(),
            redirect_uri: &bindings.redirect_uri,
            scopes: &scopes,
            state: &bindings.state,
            nonce,
            verifier: &bindings.verifier,
            prompt: self.config.prompt.as_deref().filter(|prompt| !prompt.is_empty()),
            login_hint,
            extra: &self.config.parameters,
        };
        Ok(request.url())
    }

    /// The code in the answer that the browser brought, if it belongs to this sign-in.
    pub(super) async fn code(
        &self,
        callback: &Callback,
        bindings: &Bindings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Result<ProviderCode, CallbackError>, ProviderFault> {
        let (issuer, sends_issuer) = match &self.config.kind {
            ProviderKind::OpenId { issuer } => {
                (Some(issuer), self.endpoints(clock).await?.sends_issuer)
            }
            ProviderKind::GitHub { .. } => (None, false),
        };
        let context = CallbackContext { state: &bindings.state, issuer, sends_issuer };
        Ok(callback.check(&context))
    }

    /// What the provider says about the user who brought `code`.
    pub(super) async fn claims(
        &self,
        code: &ProviderCode,
        bindings: &Bindings,
        clock: &Arc<dyn Clock>,
    ) -> Result<UserClaims, ProviderFault> {
        let ProviderKind::OpenId { issuer } = &self.config.kind else {
            return GitHub { provider: self }.claims(code, bindings).await;
        };
        let endpoints = self.endpoints(clock).await?;
        let is_basic = match self.config.client_authentication {
            ClientAuthentication::Automatic => endpoints.takes_basic,
            ClientAuthentication::Basic => true,
            ClientAuthentication::Post => false,
        };
        let request = self.token_request(Request::post(endpoints.token.clone()), is_basic);
        let named_by = NamedBy::Metadata(endpoints.source);
        let tokens = self.exchange(request, code, bindings, named_by).await?;
        let id_token = tokens.id_token().ok_or(ProviderFault::TokenMissing("ID token"))?;
        let expected =
            ExpectedIdToken { issuer, client_id: &self.config.client_id, nonce: &bindings.nonce };
        let now = (clock.now(), Leeway::default());
        let fetch = || {
            let (client, keys) = (self.client.clone(), endpoints.keys.clone());
            metadata::fetch_keys(client, keys, named_by)
        };
        let keys = self.keys.get(clock, fetch()).await?;
        let mut judged = verify_id_token(id_token, &expected, &keys, now);
        if judged.as_ref().is_err_and(|fault| fault.may_need_newer_keys())
            && let Some(newer) = self.keys.newer_than(&keys, clock, fetch()).await
        {
            judged = verify_id_token(id_token, &expected, &newer, now);
        }
        self.with_user_info(judged?, &endpoints, &tokens).await
    }

    /// Asks the `UserInfo` endpoint if the ID token does not say enough.
    async fn with_user_info(
        &self,
        claims: UserClaims,
        endpoints: &Endpoints,
        tokens: &TokenResponse,
    ) -> Result<UserClaims, ProviderFault> {
        let is_decided = self.config.decisive_claims().all(|claim| claims.has(claim));
        let (Some(address), Some(token)) = (&endpoints.user_info, tokens.access_token()) else {
            return Ok(claims);
        };
        if is_decided && claims.display_name().is_some() {
            return Ok(claims);
        }
        let request = Request::get(address.clone()).bearer(token);
        let asked = async {
            let what = "what it says about the user";
            let response = self.client.send(request, NamedBy::Metadata(endpoints.source)).await;
            let response = response.map_err(|error| unreachable(what, error))?;
            if response.status != http::StatusCode::OK {
                return Err(ProviderFault::Status { what, status: response.status.as_u16() });
            }
            Ok(claims.clone().with_user_info(&response.body)?)
        };
        match asked.await {
            Ok(claims) => Ok(claims),
            // A name for display is not worth a failed sign-in. Another user's answer is.
            Err(fault) if is_decided && fault.is_temporary() => Ok(claims),
            Err(fault) => Err(fault),
        }
    }

    async fn endpoints(&self, clock: &Arc<dyn Clock>) -> Result<Arc<Endpoints>, ProviderFault> {
        let ProviderKind::OpenId { issuer } = &self.config.kind else {
            return Err(ProviderFault::TokenMissing("metadata"));
        };
        let (client, issuer) = (self.client.clone(), issuer.clone());
        self.endpoints.get(clock, metadata::fetch(client, issuer)).await
    }
}
