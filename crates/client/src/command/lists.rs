//! Lists, page by page.

use rmcp::{
    RoleClient, ServiceError,
    model::{
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams,
    },
    service::Peer,
};

/// No honest server has more; one that never ends its list would fill the memory.
const MAX_PAGES: usize = 1000;

/// Makes a function that takes the first page and puts what is on all the others into it.
macro_rules! list {
    ($(#[$about:meta])* $name:ident, $method:ident, $result:ident, $items:ident) => {
        $(#[$about])*
        pub(super) async fn $name(peer: &Peer<RoleClient>) -> Result<$result, ServiceError> {
            let mut all = peer.$method(None).await?;
            for _ in 0..MAX_PAGES {
                let Some(cursor) = all.next_cursor.take() else {
                    return Ok(all);
                };
                let params = PaginatedRequestParams::default().with_cursor(Some(cursor));
                let page = peer.$method(Some(params)).await?;
                all.$items.extend(page.$items);
                all.next_cursor = page.next_cursor;
            }
            Err(ServiceError::UnexpectedResponse)
        }
    };
}

list! {
    /// `tools/list`.
    tools, list_tools, ListToolsResult, tools
}
list! {
    /// `resources/list`.
    resources, list_resources, ListResourcesResult, resources
}
list! {
    /// `resources/templates/list`.
    templates, list_resource_templates, ListResourceTemplatesResult, resource_templates
}
list! {
    /// `prompts/list`.
    prompts, list_prompts, ListPromptsResult, prompts
}
