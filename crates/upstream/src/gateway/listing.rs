//! What a server offers, asked over a connection to it before anyone uses it: a process that was
//! started anew may be another version of the program than the one whose definitions were accepted.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{sleep, timeout};

use crate::{
    calls::{Connection, RequestError},
    catalog::{Catalog, Kind, ListBounds, Lists, Offered, OfferedError},
    wire::{Object, quote},
};

/// The JSON-RPC error of a method that a server does not have.
const METHOD_NOT_FOUND: &str = "-32601";
/// How long a server has to list everything.
const LISTING: Duration = Duration::from_mins(1);
/// How often lists that have changed are asked for before the connection is ended.
const TRIES: u32 = 3;
/// The shortest time between two listings because of what the server says.
const PAUSE: Duration = Duration::from_secs(1);

/// Everything that the server at the other end offers.
///
/// A list that it does not have is empty: the method is unknown, or it answers with an error and
/// does not name the feature among its capabilities.
pub async fn offered(
    connection: &Connection,
    bounds: &ListBounds,
) -> Result<Offered, OfferedError> {
    let mut lists = ConnectionLists(connection);
    let listed = timeout(LISTING, Offered::list(&mut lists, bounds)).await;
    let mut offered = listed.map_err(|_| OfferedError::Timeout(LISTING))??;
    offered.add_instructions(connection.hello().result());
    Ok(offered)
}

/// Takes in everything that the server offers, and does so again whenever the server says that a
/// list has changed, for as long as the connection is used. If it does not list them then, the
/// connection is ended: the next one begins with a comparison.
pub(super) async fn compare(
    connection: &Connection,
    catalog: &Arc<Catalog>,
) -> Result<(), OfferedError> {
    let bounds = ListBounds::default();
    catalog.learn(&offered(connection, &bounds).await?.definitions);
    let (mut changes, catalog) = (connection.list_changes(), Arc::clone(catalog));
    tokio::spawn(async move {
        while let Some(connection) = changes.next().await {
            if let Err(error) = learned_again(&connection, &catalog, &bounds).await {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(
                    upstream = catalog.name(),
                    error,
                    "A list of the server has changed, and cannot be read: the connection is ended"
                );
                connection.close("a list of the server has changed, and cannot be read");
            }
            drop(connection);
            sleep(PAUSE).await;
        }
    });
    Ok(())
}

/// Takes in what the server offers now. It may need a moment until it can say so.
async fn learned_again(
    connection: &Connection,
    catalog: &Catalog,
    bounds: &ListBounds,
) -> Result<(), OfferedError> {
    let mut tries = 1;
    loop {
        match offered(connection, bounds).await {
            Ok(offered) => {
                catalog.learn(&offered.definitions);
                return Ok(());
            }
            Err(error) if tries == TRIES || connection.is_closed() => return Err(error),
            Err(_) => sleep(PAUSE * tries).await,
        }
        tries += 1;
    }
}

/// The lists of a server, over a connection to it.
struct ConnectionLists<'a>(&'a Connection);

impl Lists for ConnectionLists<'_> {
    type Error = RequestError;

    async fn list(
        &mut self,
        kind: Kind,
        cursor: Option<&str>,
    ) -> Result<Option<Bytes>, RequestError> {
        let params = match cursor {
            None => "{}".to_owned(),
            Some(cursor) => format!("{{\"cursor\":{}}}", quote(cursor)),
        };
        match self.0.request(kind.method(), &params).await {
            Ok(result) => Ok(Some(result.into())),
            Err(RequestError::Refused(error))
                if is_unknown_method(&error) || !is_named(self.0.hello().result(), kind) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn is_unknown_method(error: &str) -> bool {
    Object::parse(error).is_ok_and(|error| error.get("code") == Some(METHOD_NOT_FOUND))
}

/// Whether a server that said `hello` names the feature of `kind` among its capabilities. Where
/// they cannot be read, it does.
fn is_named(hello: &str, kind: Kind) -> bool {
    let capabilities = Object::parse(hello).ok().and_then(|hello| {
        let capabilities = hello.get("capabilities")?;
        Object::parse(capabilities).ok().map(|it| it.get(kind.capability()).is_some())
    });
    capabilities.unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::{Value, json};
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        calls::CallLimits,
        catalog::{Definition, Pins},
        era::{Wanted, connect},
        link::{Incoming, Link, Outgoing},
    };

    /// A server with one tool, whose description `is_changed` changes, and which `is_broken` does
    /// not list; the way to what it says; and its end.
    fn server(
        is_changed: Arc<AtomicBool>,
        is_broken: Arc<AtomicBool>,
    ) -> (Link, mpsc::Sender<Incoming>, tokio::task::JoinHandle<()>) {
        let (sender, mut outgoing) = mpsc::channel::<Outgoing>(8);
        let (incoming, receiver) = mpsc::channel(8);
        let out = incoming.clone();
        let ended = tokio::spawn(async move {
            while let Some(sent) = outgoing.recv().await {
                let message: Value = serde_json::from_slice(&sent.message).unwrap();
                let about = if is_changed.load(Ordering::SeqCst) { "other" } else { "one" };
                let body = match message["method"].as_str().unwrap() {
                    "initialize" => json!({ "result": {
                        "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                        "serverInfo": {}
                    } }),
                    "tools/list" if is_broken.load(Ordering::SeqCst) => {
                        json!({ "error": { "code": -32603, "message": "" } })
                    }
                    "tools/list" => json!({ "result": {
                        "tools": [{ "name": "a", "description": about }]
                    } }),
                    _ => json!({ "error": { "code": -32601, "message": "" } }),
                };
                if let Some(id) = message.get("id") {
                    let mut answer = json!({ "jsonrpc": "2.0", "id": id });
                    answer.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
                    let message = answer.to_string().into();
                    out.send(Incoming::Message { message, during: None }).await.unwrap();
                }
            }
        });
        (Link { sender, receiver }, incoming, ended)
    }

    fn catalog() -> Arc<Catalog> {
        let tool = Definition::read(Kind::Tool, r#"{"name":"a","description":"one"}"#).unwrap();
        Arc::new(Catalog::new("one", Pins::accepting(&[tool])))
    }

    async fn connected(link: Link) -> Connection {
        let timeout = Duration::from_secs(5);
        connect(link, Wanted::Old, CallLimits::default(), timeout).await.unwrap().0
    }

    #[tokio::test]
    async fn what_another_version_of_a_server_offers_is_known_before_its_first_call() {
        let (link, _incoming, _) = server(Arc::new(AtomicBool::new(true)), Arc::default());
        let (connection, catalog) = (connected(link).await, catalog());
        compare(&connection, &catalog).await.unwrap();
        assert!(catalog.check(Kind::Tool, "a").is_err());
    }

    #[tokio::test]
    async fn a_list_that_changes_is_read_again_and_a_connection_without_users_ends() {
        let is_changed = Arc::new(AtomicBool::new(false));
        let (link, incoming, ended) = server(Arc::clone(&is_changed), Arc::default());
        let (connection, catalog) = (connected(link).await, catalog());
        compare(&connection, &catalog).await.unwrap();
        assert_eq!(catalog.check(Kind::Tool, "a"), Ok(()));
        is_changed.store(true, Ordering::SeqCst);
        let note = br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        let note = Incoming::Message { message: Bytes::from_static(note), during: None };
        incoming.send(note).await.unwrap();
        for _ in 0..500 {
            if catalog.check(Kind::Tool, "a").is_err() {
                break;
            }
            sleep(Duration::from_millis(10)).await;
        }
        assert!(catalog.check(Kind::Tool, "a").is_err());
        drop(connection);
        timeout(Duration::from_secs(20), ended).await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_changed_list_cannot_be_read_is_ended() {
        let is_broken = Arc::new(AtomicBool::new(false));
        let (link, incoming, ended) = server(Arc::default(), Arc::clone(&is_broken));
        let (connection, catalog) = (connected(link).await, catalog());
        compare(&connection, &catalog).await.unwrap();
        is_broken.store(true, Ordering::SeqCst);
        let note = br#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
        let note = Incoming::Message { message: Bytes::from_static(note), during: None };
        incoming.send(note).await.unwrap();
        timeout(Duration::from_mins(5), ended).await.unwrap().unwrap();
        assert!(connection.is_closed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_does_not_list_what_it_offers_is_not_waited_for_without_end() {
        let (sender, _outgoing) = mpsc::channel(8);
        let (_incoming, receiver) = mpsc::channel(8);
        let link = Link { sender, receiver };
        let connection = Connection::start(link, CallLimits::default(), None);
        let offered = offered(&connection, &ListBounds::default()).await;
        assert!(matches!(offered, Err(OfferedError::Timeout(_))), "{offered:?}");
    }

    #[test]
    fn a_method_that_is_not_there_is_no_failure() {
        assert!(is_unknown_method(r#"{"code":-32601,"message":"x"}"#));
        assert!(!is_unknown_method(r#"{"code":-32603,"message":"-32601"}"#));
        assert!(!is_unknown_method("no JSON"));
    }

    #[test]
    fn a_feature_that_the_server_does_not_name_may_be_missing() {
        let hello = r#"{"capabilities":{"tools":{},"resources":{}}}"#;
        assert!(is_named(hello, Kind::Tool) && is_named(hello, Kind::Template));
        assert!(!is_named(hello, Kind::Prompt));
        assert!(is_named("{}", Kind::Prompt));
    }
}
