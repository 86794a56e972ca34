//! One call of an old client to a new server.

use std::{sync::Arc, time::Duration};

use super::{asking::ask, shared::Shared, tasks};
use crate::{
    asks::rounds::Rounds,
    calls::Connection,
    port::Event,
    translate::{
        driven::{Behind, Outlet},
        error,
        failure::{Failure, success},
        object::UntranslatableError,
        request::again,
        result::{self, NewResult},
    },
    wire::Message,
};

/// How long to wait before a request is made again for which the server asked nothing, for each
/// round.
const PAUSE: Duration = Duration::from_millis(250);

/// Answers a request.
pub(super) async fn run(
    shared: Arc<Shared>,
    connection: Connection,
    request: Message,
    outlet: Outlet,
) -> Message {
    let id = request.id().unwrap_or("0");
    let answer = answer(&shared, &connection, &request, id, &outlet).await;
    answer.unwrap_or_else(|failure| failure.answer(id))
}

async fn answer(
    shared: &Arc<Shared>,
    connection: &Connection,
    request: &Message,
    id: &str,
    outlet: &Outlet,
) -> Result<Message, Failure> {
    let method = request.method();
    let first = shared.params(method, request.params())?;
    let (mut params, mut rounds) = (first.clone(), Rounds::default());
    loop {
        let request = Message::request(id, method, Some(&params)).map_err(Failure::params)?;
        let answer = through(connection, &request, outlet).await?;
        let Some(result) = answer.result() else {
            return refused(method, id, answer.error().unwrap_or("{}"));
        };
        let result = result::to_old(method, result).map_err(|error| Failure::server(&error))?;
        let (requests, state) = match result {
            NewResult::Complete(result) => return success(id, &result),
            NewResult::Task(task) => {
                return tasks::wait(shared, connection, method, id, &task, outlet).await;
            }
            NewResult::InputRequired { requests, state } => (requests, state),
        };
        if !matches!(method, "tools/call" | "prompts/get" | "resources/read") {
            let error = UntranslatableError::Shape("the server may not ask in this method");
            return Err(Failure::server(&error));
        }
        let too_often = || Failure::internal("the client was asked too often");
        let round = rounds.next().ok_or_else(too_often)?;
        let responses = if requests.is_empty() {
            tokio::time::sleep(PAUSE * round).await;
            None
        } else {
            Some(ask(&shared.asks, shared.client.can, &requests, outlet).await?)
        };
        params = again(&first, responses.as_deref(), state.as_deref())
            .map_err(|error| Failure::server(&error))?;
    }
}

/// Sends a request and passes on what the server says before its answer.
async fn through(
    connection: &Connection,
    request: &Message,
    outlet: &Outlet,
) -> Result<Message, Failure> {
    let mut behind = Behind::new(connection.call(request), outlet);
    while let Some(event) = behind.next().await {
        match event {
            Event::Answer(answer) => return Ok(answer),
            Event::Notification(note) => outlet.send(Event::Notification(note)).await,
            // New servers do not ask in this way; the connection refuses it.
            Event::Ask(_) => {}
        }
    }
    Err(Failure::internal("the server has ended"))
}

/// The server's error, for the client.
pub(super) fn refused(method: &str, id: &str, error: &str) -> Result<Message, Failure> {
    let error = error::to_old(method, error).map_err(|error| Failure::server(&error))?;
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
    Message::parse(text.into()).map_err(|error| Failure::server(&error.into()))
}
