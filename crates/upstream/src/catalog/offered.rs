//! Everything that a server offers, listed page by page.

use std::{error::Error, time::Duration};

use bytes::Bytes;

use super::{Definition, DefinitionError, Kind, ListError, Page};

/// A server that answers list methods.
pub trait Lists {
    /// Why it did not answer.
    type Error: Error + Send + Sync + 'static;

    /// The `result` of the list method of this kind, from `cursor` on; `None` if the server does
    /// not have the method.
    fn list(
        &mut self,
        kind: Kind,
        cursor: Option<&str>,
    ) -> impl Future<Output = Result<Option<Bytes>, Self::Error>> + Send;
}

/// How much a server may offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListBounds {
    /// How many definitions in all.
    pub definitions: usize,
    /// How many bytes of lists in all.
    pub bytes: usize,
    /// How many pages one list may have.
    pub pages: usize,
}

impl Default for ListBounds {
    fn default() -> Self {
        Self { definitions: 5_000, bytes: 32 * 1024 * 1024, pages: 500 }
    }
}

/// Everything that a server offers.
#[derive(Debug, Default)]
pub struct Offered {
    /// What can be read.
    pub definitions: Vec<Definition>,
    /// The entries that cannot. They are never shown to a client.
    pub unreadable: Vec<DefinitionError>,
}

/// Why it is not known what a server offers.
#[derive(Debug, thiserror::Error)]
pub enum OfferedError {
    /// The server did not answer.
    #[error("{0} was not answered")]
    Unanswered(&'static str, #[source] Box<dyn Error + Send + Sync>),
    /// The answer is no list.
    #[error("the answer to {0} is no list")]
    NoList(&'static str, #[source] Box<dyn Error + Send + Sync>),
    /// It did not list everything in time.
    #[error("its lists were not answered within {} s", .0.as_secs())]
    Timeout(Duration),
    /// It offers too much.
    #[error("{0} has no end: more than {1}")]
    TooMuch(&'static str, String),
}

impl Offered {
    /// Adds the instructions in the result of `initialize` or `server/discover`.
    pub fn add_instructions(&mut self, hello: &str) {
        match Definition::instructions(hello) {
            Some(Ok(definition)) => self.definitions.push(definition),
            Some(Err(error)) => self.unreadable.push(error),
            None => {}
        }
    }

    /// Asks for every list.
    pub async fn list<L: Lists>(lists: &mut L, bounds: &ListBounds) -> Result<Self, OfferedError> {
        let mut offered = Self::default();
        let mut bytes = 0;
        for kind in Kind::LISTED {
            let method = kind.method();
            let mut cursor: Option<String> = None;
            for page in 0.. {
                if page == bounds.pages {
                    return Err(OfferedError::TooMuch(method, format!("{page} pages")));
                }
                let answer = lists.list(kind, cursor.as_deref()).await;
                let answer =
                    answer.map_err(|error| OfferedError::Unanswered(method, error.into()))?;
                let Some(answer) = answer else { break };
                bytes += answer.len();
                if bytes > bounds.bytes {
                    return Err(OfferedError::TooMuch(method, format!("{} bytes", bounds.bytes)));
                }
                cursor = offered.add(kind, &answer)?;
                if offered.definitions.len() + offered.unreadable.len() > bounds.definitions {
                    let most = format!("{} definitions", bounds.definitions);
                    return Err(OfferedError::TooMuch(method, most));
                }
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(offered)
    }

    /// Adds a page; returns where the list goes on.
    fn add(&mut self, kind: Kind, answer: &Bytes) -> Result<Option<String>, OfferedError> {
        let no_list = |error| OfferedError::NoList(kind.method(), error);
        let text = std::str::from_utf8(answer).map_err(|error| no_list(error.into()))?;
        let page = Page::read(text).map_err(|error: ListError| no_list(error.into()))?;
        for (its, entry) in page.entries().filter(|(its, _)| *its == kind) {
            match Definition::read(its, entry) {
                Ok(definition) => self.definitions.push(definition),
                Err(error) => self.unreadable.push(error),
            }
        }
        Ok(page.next_cursor().map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server whose answers are given; by kind and cursor.
    struct Given(fn(Kind, Option<&str>) -> Option<String>);

    impl Lists for Given {
        type Error = std::io::Error;

        async fn list(
            &mut self,
            kind: Kind,
            cursor: Option<&str>,
        ) -> Result<Option<Bytes>, std::io::Error> {
            Ok((self.0)(kind, cursor).map(Bytes::from))
        }
    }

    async fn offered(answer: fn(Kind, Option<&str>) -> Option<String>) -> Result<Offered, String> {
        let bounds = ListBounds { definitions: 10, bytes: 1000, pages: 5 };
        Offered::list(&mut Given(answer), &bounds).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn every_page_of_every_list_is_read() {
        let found = offered(|kind, cursor| match (kind, cursor) {
            (Kind::Tool, None) => Some(r#"{"tools":[{"name":"a"}],"nextCursor":"2"}"#.into()),
            (Kind::Tool, Some("2")) => Some(r#"{"tools":[{"name":"b"},{"x":1}]}"#.into()),
            (Kind::Prompt, None) => Some(r#"{"prompts":[{"name":"p"}],"tools":[{}]}"#.into()),
            _ => None,
        });
        let found = found.await.unwrap();
        let keys: Vec<_> = found.definitions.iter().map(Definition::key).collect();
        assert_eq!((keys, found.unreadable.len()), (vec!["a", "b", "p"], 1));
    }

    #[tokio::test]
    async fn a_list_without_end_is_an_error() {
        let endless = |_: Kind, _: Option<&str>| Some(r#"{"nextCursor":"x"}"#.to_owned());
        assert_eq!(offered(endless).await.unwrap_err(), "tools/list has no end: more than 5 pages");
        let many = |_: Kind, _: Option<&str>| {
            Some(format!(r#"{{"tools":[{}]}}"#, [r#"{"name":"a"}"#; 11].join(",")))
        };
        assert!(offered(many).await.unwrap_err().ends_with("more than 10 definitions"));
        let long = |_: Kind, _: Option<&str>| Some(format!("{{}}{}", " ".repeat(1000)));
        assert!(offered(long).await.unwrap_err().ends_with("more than 1000 bytes"));
        let none = |_: Kind, _: Option<&str>| Some("[]".to_owned());
        assert_eq!(offered(none).await.unwrap_err(), "the answer to tools/list is no list");
    }
}
