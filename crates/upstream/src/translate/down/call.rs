//! One call of a new client to an old server.

use std::{future::pending, sync::Arc};

use super::{
    caller::Caller,
    open_ask::OpenAsk,
    parked::Wants,
    shared::{Shared, TOO_OFTEN, UNKNOWN},
    tasks,
    waits::{Active, Asked, ParkedCall, Waits},
};
use crate::{
    asks::{
        parking::Fingerprint,
        rounds::Rounds,
        whose::{Inbox, Place},
    },
    port::{Ask, Event},
    translate::{
        capabilities::ClientCan,
        driven::{Behind, Outlet},
        error::{self, OldError},
        failure::{Failure, success},
        input::{self, AskKind, Refusal},
        level::is_wanted,
        request::{self, Said},
        result,
    },
    wire::{Edit, Message, Object},
};

/// The most calls of one connection that can be asked, or want log messages.
const MAX_RECEIVERS: usize = 1_000;

const TOO_MANY: &str = "too many calls wait for answers of their clients";

/// The request that is being answered: the first of a call, or a repetition.
struct Front<'a> {
    id: &'a str,
    token: Option<&'a str>,
    caller: &'a Caller,
    said: &'a Said,
    outlet: &'a Outlet,
}

/// Answers a request.
pub(super) async fn run(
    shared: Arc<Shared>,
    caller: Caller,
    request: Message,
    outlet: Outlet,
) -> Message {
    let id = request.id().unwrap_or("0");
    let answer = answer(&shared, &caller, &request, id, &outlet).await;
    answer.unwrap_or_else(|failure| failure.answer(id))
}

async fn answer(
    shared: &Arc<Shared>,
    caller: &Caller,
    request: &Message,
    id: &str,
    outlet: &Outlet,
) -> Result<Message, Failure> {
    let (params, mut said) =
        request::to_old(request.method(), request.params()).map_err(Failure::params)?;
    let method = request.method();
    let state = said.state.take().filter(|_| can_ask(method));
    let front = Front { id, token: request.progress_token(), caller, said: &said, outlet };
    if let Some(level) = said.level {
        shared.lower_level(level).await;
    }
    let mut rounds = Rounds::default();
    if let Some(state) = state {
        let print = fingerprint(shared, method, params.as_deref());
        let parked = shared.parking.take(&state, &caller.owner, print).map_err(Failure::params)?;
        match Waits::from(parked) {
            Some(Waits::Call(parked)) => return resume(*parked, &front).await,
            Some(Waits::Urls(before)) => {
                all_accepted(said.responses.as_deref())?;
                rounds = before;
            }
            None => return Err(Failure::internal(TOO_MANY)),
        }
    }
    let active = begin(shared, method, params, rounds, &front).await?;
    go_on(active, &front).await
}

/// Sends the request to the server.
async fn begin(
    shared: &Arc<Shared>,
    method: &str,
    params: Option<String>,
    rounds: Rounds,
    front: &Front<'_>,
) -> Result<Active, Failure> {
    let Front { id, caller, said, outlet, .. } = *front;
    let can_be_asked = can_ask(method) && said.can.answers_anything();
    let (params, is_task) = tasks::augmented(shared, caller, method, params, said.can).await?;
    let turn = if can_be_asked {
        shared.turns.take().await.map_err(|busy| Failure::internal(busy.to_string()))?
    } else {
        None
    };
    let place = if can_be_asked || said.level.is_some() {
        let can = if can_be_asked { said.can } else { ClientCan::default() };
        let wants = Wants { owner: caller.owner.clone(), level: said.level, can };
        let place = shared.receivers.add(wants, MAX_RECEIVERS);
        Some(place.ok_or_else(|| Failure::internal("too many calls are in flight"))?)
    } else {
        None
    };
    let request = Message::request(id, method, params.as_deref()).map_err(Failure::params)?;
    let behind = Behind::new(caller.connection.call(&request), outlet);
    let home = Arc::clone(shared);
    Ok(Active { home, behind, request, place, rounds, turn, is_task })
}

/// Gives the server the client's answers, and goes on with its call.
async fn resume(parked: ParkedCall, front: &Front<'_>) -> Result<Message, Failure> {
    let ParkedCall { mut active, asked } = parked;
    active.behind.move_to(front.outlet);
    if let Some(place) = &active.place {
        let Said { level, can, .. } = *front.said;
        place.want(Wants { owner: front.caller.owner.clone(), level, can });
    }
    let responses = front.said.responses.as_deref();
    let responses = crate::translate::object::parse_or_empty(responses);
    let responses = responses.map_err(Failure::params)?;
    let mut missing = Vec::new();
    for Asked { key, request, open } in asked {
        match responses.get(&key).filter(|_| responses.object(&key).is_some()) {
            Some(response) => open.answer(response).await,
            None => missing.push(Asked { key, request, open }),
        }
    }
    if missing.is_empty() {
        return go_on(active, front).await;
    }
    // What is missing is asked for again, as often as anything may be asked.
    active.rounds.next().ok_or_else(|| Failure::internal(TOO_OFTEN.message))?;
    match park(active, missing, front) {
        Ok(answer) => success(front.id, &answer),
        Err(_) => Err(Failure::internal(TOO_MANY)),
    }
}

/// What comes of a call next.
enum Next {
    Event(Event),
    /// The server has ended.
    End,
}

async fn next(active: &mut Active) -> Next {
    let Active { behind, place, .. } = active;
    let injected = async {
        match place.as_ref().map(Place::inbox) {
            Some(inbox) => match Inbox::next(inbox).await {
                Some(event) => event,
                // The call itself says that the connection has ended.
                None => pending().await,
            },
            None => pending().await,
        }
    };
    tokio::select! {
        biased;
        event = behind.next() => event.map_or(Next::End, Next::Event),
        event = injected => Next::Event(event),
    }
}

/// Passes on what the server says, until it answers or asks.
async fn go_on(mut active: Active, front: &Front<'_>) -> Result<Message, Failure> {
    let home = Arc::clone(&active.home);
    let shared = &home;
    loop {
        match next(&mut active).await {
            Next::End => return Err(Failure::internal("the server has ended")),
            Next::Event(Event::Notification(note)) => pass_on(shared, note, front).await,
            Next::Event(Event::Answer(answer)) => return finish(active, &answer, front),
            Next::Event(Event::Ask(ask)) => {
                let Err(ask) = shared.ask_task(ask).await else { continue };
                let asked = match acceptable(shared, &ask, &mut active, front) {
                    Ok(asked) => asked,
                    Err(refusal) => {
                        OpenAsk::new(&ask, &shared.connection).refuse(refusal).await;
                        continue;
                    }
                };
                match park(active, vec![asked], front) {
                    Ok(answer) => return success(front.id, &answer),
                    // The call goes on; the question is refused by being dropped.
                    Err(Some(back)) => active = back.active,
                    Err(None) => return Err(Failure::internal(TOO_MANY)),
                }
            }
        }
    }
}

async fn pass_on(shared: &Shared, note: Message, front: &Front<'_>) {
    let note = match note.method() {
        "notifications/progress" => match front.token {
            Some(token) => note.with(&[(Edit::ProgressToken, token)]),
            None => return,
        },
        "notifications/message" if !is_wanted(note.params(), front.said.level) => return,
        "notifications/tasks/status" => return shared.task_changed(&note),
        // The new generation has neither.
        "notifications/cancelled" | "notifications/elicitation/complete" => return,
        _ => note,
    };
    front.outlet.send(Event::Notification(note)).await;
}

/// A question that this call's client is asked, or why it is not.
fn acceptable(
    shared: &Shared,
    ask: &Ask,
    active: &mut Active,
    front: &Front<'_>,
) -> Result<Asked, Refusal> {
    let (method, params) = (ask.request.method(), ask.request.params());
    let kind = AskKind::read(method, params).ok_or(UNKNOWN)?;
    if kind != AskKind::Roots {
        shared.learn_that_it_asks();
    }
    let can = if can_ask(active.request.method()) { front.said.can } else { ClientCan::default() };
    kind.check(can)?;
    let request = input::to_new(method, params)
        .map_err(|_| Refusal { code: -32602, message: "the parameters have not their shape" })?;
    let round = active.rounds.next().ok_or(TOO_OFTEN)?;
    let open = OpenAsk::new(ask, &shared.connection);
    Ok(Asked { key: round.to_string(), request, open })
}

/// Parks a call: the result that asks. Gives the call back if it cannot wait.
fn park(
    active: Active,
    asked: Vec<Asked>,
    front: &Front<'_>,
) -> Result<String, Option<Box<ParkedCall>>> {
    let shared = Arc::clone(&active.home);
    let print = fingerprint(&shared, active.request.method(), active.request.params());
    let requests: Vec<_> =
        asked.iter().map(|asked| (asked.key.clone(), asked.request.clone())).collect();
    let parked = Waits::Call(Box::new(ParkedCall { active, asked })).park();
    match shared.parking.park(&front.caller.owner, print, parked) {
        Ok(state) => {
            let requests = requests.iter().map(|(key, request)| (&**key, &**request));
            Ok(input::required(requests, &state))
        }
        Err(back) => Err(match Waits::from(back) {
            Some(Waits::Call(parked)) => Some(parked),
            _ => None,
        }),
    }
}

/// The server's answer, for the client.
fn finish(active: Active, answer: &Message, front: &Front<'_>) -> Result<Message, Failure> {
    let shared = &active.home;
    let method = active.request.method();
    if let Some(result) = answer.result() {
        if active.is_task
            && let Some(created) = tasks::created(shared, result, front.caller, front.said.can)?
        {
            return success(front.id, &created);
        }
        let info = shared.server_info.as_deref();
        let result = result::to_new(method, result, info).map_err(|e| Failure::server(&e))?;
        return success(front.id, &result);
    }
    let old = answer.error().unwrap_or("{}");
    match error::to_new(method, old).map_err(|e| Failure::server(&e))? {
        OldError::Error(error) => {
            let id = front.id;
            let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
            Message::parse(text.into()).map_err(|e| Failure::server(&e.into()))
        }
        OldError::Urls(urls) if can_ask(method) => visit(active, &urls, front),
        OldError::Urls(_) => Err(Failure::capability(AskKind::Url.required())),
    }
}

/// Asks the client to visit URLs, and to repeat its request then.
fn visit(active: Active, urls: &[String], front: &Front<'_>) -> Result<Message, Failure> {
    if !front.said.can.url {
        return Err(Failure::capability(AskKind::Url.required()));
    }
    let Active { home: shared, request, mut rounds, .. } = active;
    let round = rounds.next().ok_or_else(|| Failure::internal(TOO_OFTEN.message))?;
    let print = fingerprint(&shared, request.method(), request.params());
    let parked = shared.parking.park(&front.caller.owner, print, Waits::Urls(rounds).park());
    let state = parked.map_err(|_| Failure::internal(TOO_MANY))?;
    let keys: Vec<_> = (1..=urls.len()).map(|number| format!("{round}.{number}")).collect();
    let requests = keys.iter().zip(urls).map(|(key, url)| (&**key, &**url));
    success(front.id, &input::required(requests, &state))
}

/// Whether a server may answer this method with `input_required` (MCP 2026-07-28, multi round-trip
/// requests, supported requests).
fn can_ask(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
}

/// Whether a client has visited all URLs: it says nothing else.
fn all_accepted(responses: Option<&str>) -> Result<(), Failure> {
    let responses = crate::translate::object::parse_or_empty(responses);
    let responses = responses.map_err(Failure::params)?;
    let is_accepted = |(_, response): (&str, &str)| {
        Object::parse(response).is_ok_and(|said| said.text("action").as_deref() == Some("accept"))
    };
    if !responses.is_empty() && responses.iter().all(is_accepted) {
        return Ok(());
    }
    Err(Failure::internal("the user did not visit the URL that the server asked for"))
}

fn fingerprint(shared: &Shared, method: &str, params: Option<&str>) -> Fingerprint {
    let Ok(mut params) = crate::translate::object::parse_or_empty(params) else {
        return shared.parking.fingerprint(method, params);
    };
    params.remove("_meta");
    // Added by the gateway, not by the client.
    params.remove("task");
    shared.parking.fingerprint(method, Some(&params.to_string()))
}
