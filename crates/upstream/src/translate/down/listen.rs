//! A stream of `subscriptions/listen` in front of an old server.

use std::{collections::BTreeSet, sync::Arc};

use super::{caller::Caller, shared::Shared};
use crate::{
    port::Event,
    translate::{
        driven::Outlet,
        failure::{Failure, success},
        listen::{Filter, MAX_NAMES, acknowledged, ended, needs_tasks_extension, tagged},
        request,
    },
    wire::{Message, quote},
};

/// The most streams on one connection.
const MAX_STREAMS: usize = 100;

/// Answers a `subscriptions/listen`: when the connection ends, or the client does not read.
pub(super) async fn run(
    shared: Arc<Shared>,
    caller: Caller,
    request: Message,
    outlet: Outlet,
) -> Message {
    let id = request.id().unwrap_or("0");
    match listen(&shared, &caller, &request, id, &outlet).await {
        Ok(answer) => answer,
        Err(failure) => failure.answer(id),
    }
}

async fn listen(
    shared: &Arc<Shared>,
    caller: &Caller,
    request: &Message,
    id: &str,
    outlet: &Outlet,
) -> Result<Message, Failure> {
    let params = request.params().unwrap_or("{}");
    let wanted = Filter::read(params).map_err(Failure::params)?;
    let (_, said) = request::to_old(request.method(), Some(params)).map_err(Failure::params)?;
    if let Some(missing) = needs_tasks_extension(&wanted, said.can.tasks) {
        return Err(Failure::capability(&missing));
    }
    let mut agreed = wanted.within(&shared.capabilities);
    agreed.tasks.retain(|task| shared.tasks.get(task, &caller.owner).is_some());
    let mut subscriptions = Subscriptions { shared, caller, uris: BTreeSet::new() };
    // Whatever changes after the server was asked is not missed.
    let stream = shared.streams.add(agreed.clone(), MAX_STREAMS);
    let stream = stream.ok_or_else(|| Failure::internal("too many streams are open"))?;
    let mut uris = Vec::new();
    for uri in std::mem::take(&mut agreed.uris) {
        if subscriptions.add(&uri).await {
            uris.push(uri);
        }
    }
    agreed.uris = uris;
    stream.want(agreed.clone());
    outlet
        .send(note("notifications/subscriptions/acknowledged", &acknowledged(id, &agreed))?)
        .await;
    while let Some(event) = stream.inbox().next().await {
        if let Event::Notification(message) = event {
            let params = tagged(message.params(), id).map_err(|e| Failure::server(&e))?;
            outlet.send(note(message.method(), &params)?).await;
        }
    }
    success(id, &ended(id))
}

fn note(method: &str, params: &str) -> Result<Event, Failure> {
    let note = Message::notification(method, Some(params));
    note.map(Event::Notification).map_err(|error| Failure::server(&error.into()))
}

/// The URIs that one stream has subscribed to, until it is dropped.
struct Subscriptions<'a> {
    shared: &'a Arc<Shared>,
    caller: &'a Caller,
    uris: BTreeSet<String>,
}

impl Subscriptions<'_> {
    /// Subscribes to a URI; `false` if the server refuses.
    async fn add(&mut self, uri: &str) -> bool {
        if self.uris.contains(uri) {
            return false;
        }
        let mut references = self.shared.references.lock().await;
        if references.len() >= MAX_NAMES {
            return false;
        }
        // Given back by the drop, whatever happens meanwhile.
        self.uris.insert(uri.to_owned());
        if references.add(uri) {
            let params = format!(r#"{{"uri":{}}}"#, quote(uri));
            let asked = self.caller.connection.request("resources/subscribe", &params).await;
            if asked.is_err() {
                references.remove(uri);
                self.uris.remove(uri);
                return false;
            }
        }
        true
    }
}

impl Drop for Subscriptions<'_> {
    fn drop(&mut self) {
        let uris = std::mem::take(&mut self.uris);
        if uris.is_empty() {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let shared = Arc::clone(self.shared);
        runtime.spawn(async move {
            let mut references = shared.references.lock().await;
            for uri in uris {
                if references.remove(&uri) {
                    let params = format!(r#"{{"uri":{}}}"#, quote(&uri));
                    let _ = shared.connection.request("resources/unsubscribe", &params).await;
                }
            }
        });
    }
}
