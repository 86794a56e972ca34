//! `listen`: the server's notifications of changes.
//!
//! Since 2026-07-28 a client asks for it with `subscriptions/listen`; before, a server sends them
//! on the stream that rmcp opens beside the session, and `resources/subscribe` asks for single
//! resources.

use rmcp::{
    RoleClient, ServiceError,
    model::{ServerCapabilities, ServerNotification, SubscribeRequestParams, SubscriptionFilter},
    service::{Peer, Subscription},
};

use crate::request::Listening;

/// Where messages come from: a subscription of 2026-07-28, or the session by itself.
pub(super) struct Source(Option<Subscription>);

/// Subscribes to everything that the server says it sends.
pub(super) async fn begin(
    peer: &Peer<RoleClient>,
    listening: &Listening,
) -> Result<Source, ServiceError> {
    let info = peer.peer_info();
    let Some(info) = info.filter(|info| !info.protocol_version.has_initialize()) else {
        for uri in &listening.resources {
            let params = SubscribeRequestParams::new(uri.clone());
            #[expect(deprecated, reason = "the way of the older versions")]
            peer.subscribe(params).await?;
        }
        return Ok(Source(None));
    };
    let filter = filter(&info.capabilities, &listening.resources);
    Ok(Source(Some(peer.listen(filter).await?)))
}

fn filter(capabilities: &ServerCapabilities, resources: &[String]) -> SubscriptionFilter {
    let mut filter = SubscriptionFilter::new();
    let sent = |changes: Option<bool>| changes.filter(|sent| *sent);
    filter.tools_list_changed =
        capabilities.tools.as_ref().and_then(|tools| sent(tools.list_changed));
    filter.prompts_list_changed =
        capabilities.prompts.as_ref().and_then(|prompts| sent(prompts.list_changed));
    filter.resources_list_changed =
        capabilities.resources.as_ref().and_then(|all| sent(all.list_changed));
    filter.resource_subscriptions = (!resources.is_empty()).then(|| resources.to_vec());
    filter
}

impl Source {
    /// The next message; `None` is the end. A session's messages come another way, and have none.
    pub(super) async fn next(&mut self) -> Result<Option<ServerNotification>, ServiceError> {
        match &mut self.0 {
            Some(subscription) => subscription.next().await,
            None => std::future::pending().await,
        }
    }
}
