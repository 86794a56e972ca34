//! A question that its server has no answer to yet.

use crate::{
    calls::Connection,
    port::{Ask, AskId},
    translate::input::Refusal,
    wire::{ErrorCode, Message},
};

/// A question of an old server. Dropped without an answer it is answered with an error.
#[derive(Debug)]
pub(crate) struct OpenAsk {
    id: Option<AskId>,
    connection: Connection,
}

impl OpenAsk {
    pub(crate) fn new(ask: &Ask, connection: &Connection) -> Self {
        Self { id: Some(ask.id), connection: connection.clone() }
    }

    /// Answers it with a client's result (JSON).
    pub(crate) async fn answer(mut self, result: &str) {
        let Some(id) = self.id.take() else { return };
        let number = id.0.to_string();
        let answer = Message::success(&number, result).unwrap_or_else(|_| {
            Message::failure(&number, ErrorCode::INTERNAL, "the answer is no JSON", None)
        });
        self.connection.answer(id, answer).await;
    }

    /// Answers it with an error.
    pub(crate) async fn refuse(mut self, refusal: Refusal) {
        let Some(id) = self.id.take() else { return };
        self.connection.answer(id, refused(id, refusal)).await;
    }
}

impl Drop for OpenAsk {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let connection = self.connection.clone();
        let refusal = Refusal { code: -32603, message: "the client gave no answer" };
        runtime.spawn(async move { connection.answer(id, refused(id, refusal)).await });
    }
}

fn refused(id: AskId, refusal: Refusal) -> Message {
    Message::failure(&id.0.to_string(), ErrorCode(refusal.code), refusal.message, None)
}
