//! The stream of a session: `subscriptions/listen` at the server, renewed while the session is.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::sync::watch;

use super::{
    session::{Agreed, Wanted},
    shared::Shared,
};
use crate::{
    port::{Call, Event, next_event},
    translate::{
        failure::{Failure, success},
        listen::{Filter, MAX_NAMES, listen, of_session, untagged},
    },
    wire::{Message, Object},
};

/// How long a server may take to acknowledge a stream.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait before a stream that ended is opened again, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LAST_PAUSE: Duration = Duration::from_mins(1);

/// Answers `resources/subscribe` and `resources/unsubscribe`.
pub(super) async fn subscribe(shared: Arc<Shared>, request: Message) -> Message {
    let id = request.id().unwrap_or("0");
    let answer = change(&shared, &request).await.and_then(|()| success(id, "{}"));
    answer.unwrap_or_else(|failure| failure.answer(id))
}

async fn change(shared: &Arc<Shared>, request: &Message) -> Result<(), Failure> {
    let method = request.method();
    let params = Object::parse(request.params().unwrap_or("{}")).map_err(Failure::params)?;
    let uri = params.text("uri").ok_or_else(|| Failure::params("`uri` is missing"))?;
    if of_session(&shared.capabilities, vec![uri.clone().into()]).uris.is_empty() {
        return Err(Failure::method(method));
    }
    if !shared.session.has_started.swap(true, Ordering::Relaxed) {
        start(shared);
    }
    let session = &shared.session;
    if method == "resources/unsubscribe" {
        session.wanted.send_if_modified(|wanted| {
            let was_wanted = wanted.uris.remove(&*uri);
            wanted.version += u64::from(was_wanted);
            was_wanted
        });
        return Ok(());
    }
    let mut version = None;
    session.wanted.send_modify(|wanted| {
        if wanted.uris.len() < MAX_NAMES {
            wanted.uris.insert(uri.clone().into());
            wanted.version += 1;
            version = Some(wanted.version);
        }
    });
    let version = version.ok_or_else(|| Failure::internal("there are too many subscriptions"))?;
    let mut agreed = session.agreed.subscribe();
    let agreed = agreed.wait_for(|agreed| agreed.version >= version);
    let is_agreed = match tokio::time::timeout(PATIENCE, agreed).await {
        Ok(Ok(agreed)) => agreed.uris.iter().any(|of| *of == *uri),
        _ => false,
    };
    if is_agreed {
        return Ok(());
    }
    session.wanted.send_modify(|wanted| {
        wanted.uris.remove(&*uri);
        wanted.version += 1;
    });
    Err(Failure::params("the server does not agree to this subscription"))
}

/// Begins to listen. It ends with the session.
pub(super) fn start(shared: &Arc<Shared>) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let wanted = shared.session.wanted.subscribe();
    runtime.spawn(follow(Arc::downgrade(shared), wanted));
}

async fn follow(shared: Weak<Shared>, mut wanted: watch::Receiver<Wanted>) {
    let (mut current, mut pause) = (None, FIRST_PAUSE);
    loop {
        let now = wanted.borrow_and_update().clone();
        // The stream before goes on until this one is acknowledged, so that nothing is missed.
        let ended = match open(&shared, &now) {
            Ok(call) => listen_to(&shared, call, &mut current, &now, &mut wanted).await,
            Err(ended) => ended,
        };
        let is_renewed = match ended {
            Ended::Session => return,
            Ended::Changed => true,
            Ended::Waits => {
                current = None;
                if wanted.changed().await.is_err() {
                    return;
                }
                true
            }
            Ended::Stream { was_acknowledged } => {
                current = None;
                if was_acknowledged {
                    pause = FIRST_PAUSE;
                }
                let wait = tokio::time::timeout(pause, wanted.changed()).await;
                pause = (pause * 2).min(LAST_PAUSE);
                !matches!(wait, Ok(Err(_)))
            }
        };
        if !is_renewed {
            return;
        }
    }
}

/// Why there is no stream any more.
enum Ended {
    /// The session has ended.
    Session,
    /// The client wants something else.
    Changed,
    /// There is nothing to listen to.
    Waits,
    /// The server has ended it, or refused it.
    Stream { was_acknowledged: bool },
}

/// Opens a stream, if there is a session, and something to listen to.
fn open(shared: &Weak<Shared>, wanted: &Wanted) -> Result<Box<dyn Call>, Ended> {
    let shared = shared.upgrade().ok_or(Ended::Session)?;
    let filter = of_session(&shared.capabilities, wanted.uris.iter().cloned().collect());
    if filter == Filter::default() {
        agree(&shared, wanted, Vec::new());
        return Err(Ended::Waits);
    }
    if shared.connection.is_closed() {
        return Err(Ended::Session);
    }
    let request = shared.request("subscriptions/listen", &listen(&filter));
    request.map(|request| shared.connection.call(&request)).map_err(|_| Ended::Session)
}

fn agree(shared: &Shared, wanted: &Wanted, uris: Vec<String>) {
    shared.session.agreed.send_replace(Agreed { version: wanted.version, uris });
}

/// Publishes what a stream brings, until it ends or something else is wanted. When it is
/// acknowledged it takes the place of `current`.
async fn listen_to(
    shared: &Weak<Shared>,
    mut call: Box<dyn Call>,
    current: &mut Option<Box<dyn Call>>,
    now: &Wanted,
    wanted: &mut watch::Receiver<Wanted>,
) -> Ended {
    let mut was_acknowledged = false;
    loop {
        let event = tokio::select! {
            event = next_event(&mut *call) => event,
            event = next_of(current) => {
                let Some(Event::Notification(note)) = event else {
                    *current = None;
                    continue;
                };
                if publish(shared, &note).is_none() {
                    return Ended::Session;
                }
                continue;
            }
            changed = wanted.changed() => {
                if changed.is_err() {
                    return Ended::Session;
                }
                if was_acknowledged {
                    *current = Some(call);
                }
                return Ended::Changed;
            }
        };
        let Some(Event::Notification(note)) = event else {
            if let (Some(shared), false) = (shared.upgrade(), was_acknowledged) {
                agree(&shared, now, Vec::new());
            }
            return Ended::Stream { was_acknowledged };
        };
        if note.method() == "notifications/subscriptions/acknowledged" {
            let Some(shared) = shared.upgrade() else { return Ended::Session };
            let agreed = Filter::read(note.params().unwrap_or("{}")).unwrap_or_default();
            agree(&shared, now, agreed.uris);
            was_acknowledged = true;
            *current = None;
        } else if publish(shared, &note).is_none() {
            return Ended::Session;
        }
    }
}

/// The next event of the stream before, if there is one.
async fn next_of(current: &mut Option<Box<dyn Call>>) -> Option<Event> {
    match current {
        Some(call) => next_event(&mut **call).await,
        None => std::future::pending().await,
    }
}

/// Gives the session a notification; `None` if it has ended.
fn publish(shared: &Weak<Shared>, note: &Message) -> Option<()> {
    let shared = shared.upgrade()?;
    if let Ok(params) = untagged(note.params())
        && note.method() != "notifications/subscriptions/acknowledged"
        && let Ok(note) = Message::notification(note.method(), params.as_deref())
    {
        shared.session.publish(&note);
    }
    Some(())
}
