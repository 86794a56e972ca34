//! What all requests of a front share, and what they do with definitions.

use std::sync::Arc;

use auth_core::{
    Owner,
    quota::{Bounds, Holder, Quota, Share},
};
use http::StatusCode;

use super::{
    answer::{self, Answer},
    definitions::{Definitions, NotAcceptedError},
    limits::FrontLimits,
    params::Params,
    sessions::Sessions,
};
use crate::{
    port::Servers,
    wire::{ErrorCode, Message},
};

/// What all requests share.
pub(super) struct Shared {
    pub(super) servers: Arc<dyn Servers>,
    pub(super) definitions: Arc<dyn Definitions>,
    pub(super) limits: FrontLimits,
    pub(super) calls: Arc<Quota>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) params: Params,
}

/// What was accepted when a request was admitted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Admitted(u64);

impl Shared {
    /// A place for one call of the user who `owner` is, until it is dropped; if there is one.
    pub(super) fn place(&self, owner: &Owner) -> Option<Share> {
        let FrontLimits { calls_each: each, calls_total: total, .. } = self.limits;
        let mut share =
            self.calls.share(Holder::from(owner), Bounds { total, each, anonymous: each });
        share.hold(1).ok()?;
        Some(share)
    }

    /// Whether what a request is aimed at may be used: the answer if not.
    #[expect(clippy::result_large_err, reason = "an answer is made and moved once")]
    pub(super) fn admit(&self, request: &Message) -> Result<Admitted, Answer> {
        // Before the definitions are looked at: an acceptance in between is noticed later.
        let admitted = Admitted(self.definitions.revision());
        self.definitions.admit(request).map(|()| admitted).map_err(|refused| {
            let text = refused.to_string();
            answer::error(StatusCode::OK, request.id(), ErrorCode::INVALID_PARAMS, &text)
        })
    }

    /// The same for a request that has waited: what it is aimed at may have been found to have
    /// changed. After an acceptance it may not be used either, as the policy by which the request
    /// was permitted is the one before.
    #[expect(clippy::result_large_err, reason = "an answer is made and moved once")]
    pub(super) fn admit_again(&self, request: &Message, before: Admitted) -> Result<(), Answer> {
        self.admit(request)?;
        // After the definitions were looked at.
        if self.definitions.revision() == before.0 {
            return Ok(());
        }
        let text = "what the server offers was accepted anew meanwhile: send the request again";
        Err(answer::error(StatusCode::OK, request.id(), ErrorCode::INTERNAL, text))
    }
}

/// An answer with what is accepted alone, if it is one with definitions.
pub(super) fn filter(definitions: &dyn Definitions, method: &str, answer: Message) -> Message {
    let Some(result) = answer.result_bytes() else { return answer };
    let id = answer.id().unwrap_or("0");
    match definitions.filter(method, &result) {
        Ok(same) if same.as_ptr() == result.as_ptr() && same.len() == result.len() => answer,
        Err(refused) if refused.is::<NotAcceptedError>() => {
            Message::failure(id, ErrorCode::INVALID_PARAMS, &refused.to_string(), None)
        }
        filtered => {
            let text = filtered.ok().and_then(|filtered| String::from_utf8(filtered.into()).ok());
            let message = text.and_then(|text| Message::success(id, &text).ok());
            message.unwrap_or_else(|| {
                let text = "the server's list cannot be read";
                Message::failure(id, ErrorCode::INTERNAL, text, None)
            })
        }
    }
}

/// Whether a method is answered with definitions, or with instructions.
pub(super) fn is_list(method: &str) -> bool {
    method.ends_with("/list")
        || matches!(method, "resources/directory/read" | "skills/get" | "server/discover")
}
