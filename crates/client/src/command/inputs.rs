//! What a server asks in the middle of its work, answered by the person at the terminal.
//!
//! Sampling and the listing of roots are asked of programs that offer them. This one does not, and
//! a request for one of them ends the call.

use rmcp::model::{InputRequest, InputRequests, InputResponses};

use crate::{connect::Session, failure::Failure};

/// The answers to `requests`, each under its key.
pub(super) async fn answered(
    session: &Session,
    requests: InputRequests,
) -> Result<InputResponses, Failure> {
    let mut answers = InputResponses::new();
    for (key, request) in requests {
        let InputRequest::Elicitation(request) = request else {
            return Err(Failure::not_offered());
        };
        // Without a terminal the run has ended by then.
        let answer =
            session.handler().ask(request.params).await.map_err(|_| Failure::cancelled())?;
        answers.insert(key, serde_json::to_value(answer).unwrap_or_default());
    }
    Ok(answers)
}
