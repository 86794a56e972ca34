//! `tools`: `tools/list`, page by page.

use rmcp::{
    ServiceError,
    model::{ListToolsResult, PaginatedRequestParams},
};

use crate::connect::Session;

/// No honest server has more; one that never ends its list would fill the memory.
const MAX_PAGES: usize = 1000;

/// The first page, with the tools of all the others in it.
pub(super) async fn list(session: &Session) -> Result<ListToolsResult, ServiceError> {
    let mut all = session.service().list_tools(None).await?;
    for _ in 0..MAX_PAGES {
        let Some(cursor) = all.next_cursor.take() else {
            return Ok(all);
        };
        let params = PaginatedRequestParams::default().with_cursor(Some(cursor));
        let page = session.service().list_tools(Some(params)).await?;
        all.tools.extend(page.tools);
        all.next_cursor = page.next_cursor;
    }
    Err(ServiceError::UnexpectedResponse)
}
