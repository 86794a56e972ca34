//! Lists, page by page.
//!
//! A list has at most [`MAX_PAGES`] pages, [`MAX_ENTRIES`] entries and [`MAX_BYTES`] bytes: a
//! server that never ends its list would fill the memory.

use std::io;

use rmcp::{
    RoleClient, ServiceError,
    model::{
        ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
        PaginatedRequestParams,
    },
    service::Peer,
};
use serde::Serialize;

use crate::failure::{Context, Failure};

const MAX_PAGES: usize = 1000;
const MAX_ENTRIES: usize = 10_000;
const MAX_BYTES: usize = 64 << 20;

/// Why there is no list.
#[derive(Debug)]
pub(super) enum ListError {
    /// The server's answer is none.
    Service(ServiceError),
    /// It is too long; by which bound.
    TooLong(String),
}

impl ListError {
    /// The failure that it is.
    pub(super) fn failure(&self, context: &Context) -> Failure {
        match self {
            Self::Service(error) => Failure::from_service(error, context),
            Self::TooLong(bound) => Failure::list_too_long(context, bound),
        }
    }
}

impl From<ServiceError> for ListError {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

/// How much of a list is there.
#[derive(Default)]
struct Length {
    pages: usize,
    entries: usize,
    bytes: usize,
}

impl Length {
    /// Counts a page.
    fn add<T: Serialize>(&mut self, entries: &[T]) -> Result<(), ListError> {
        self.pages += 1;
        self.entries = self.entries.saturating_add(entries.len());
        // What is counted as it is written cannot fail.
        let _ = serde_json::to_writer(&mut *self, entries);
        let bound = if self.pages > MAX_PAGES {
            format!("{MAX_PAGES} pages")
        } else if self.entries > MAX_ENTRIES {
            format!("{MAX_ENTRIES} entries")
        } else if self.bytes > MAX_BYTES {
            format!("{} MiB", MAX_BYTES >> 20)
        } else {
            return Ok(());
        };
        Err(ListError::TooLong(bound))
    }
}

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes = self.bytes.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a function that takes the first page and puts what is on all the others into it.
macro_rules! list {
    ($(#[$about:meta])* $name:ident, $method:ident, $result:ident, $items:ident) => {
        $(#[$about])*
        pub(super) async fn $name(peer: &Peer<RoleClient>) -> Result<$result, ListError> {
            let mut length = Length::default();
            let mut all = peer.$method(None).await?;
            length.add(&all.$items)?;
            while let Some(cursor) = all.next_cursor.take() {
                let params = PaginatedRequestParams::default().with_cursor(Some(cursor));
                let page = peer.$method(Some(params)).await?;
                length.add(&page.$items)?;
                all.$items.extend(page.$items);
                all.next_cursor = page.next_cursor;
            }
            Ok(all)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(pages: usize, entries: &[String]) -> Option<String> {
        let mut length = Length::default();
        (0..pages).find_map(|_| match length.add(entries) {
            Err(ListError::TooLong(bound)) => Some(bound),
            _ => None,
        })
    }

    #[test]
    fn pages_entries_and_bytes_are_bounded() {
        assert_eq!(bound(1000, &[]), None);
        assert_eq!(bound(1001, &[]).as_deref(), Some("1000 pages"));
        let hundred = vec![String::new(); 100];
        assert_eq!(bound(100, &hundred), None);
        assert_eq!(bound(101, &hundred).as_deref(), Some("10000 entries"));
        let long = ["x".repeat(1 << 20)];
        assert_eq!(bound(63, &long), None);
        assert_eq!(bound(64, &long).as_deref(), Some("64 MiB"));
    }
}
