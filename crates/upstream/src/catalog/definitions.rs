//! The catalog as the front asks for it.

use std::error::Error;

use bytes::Bytes;

use super::{Catalog, Definition, Kind, Page, Standing};
use crate::{
    front::{Definitions, NotAcceptedError},
    wire::{Message, Object},
};

impl Definitions for Catalog {
    fn concern(&self, request: &Message) -> bool {
        target(request).is_some()
    }

    fn admit(&self, request: &Message) -> Result<(), NotAcceptedError> {
        let Some((kind, key)) = target(request) else { return Ok(()) };
        Self::admit(self, kind, &key).map_err(|refused| NotAcceptedError(refused.to_string()))
    }

    fn revision(&self) -> u64 {
        Self::revision(self)
    }

    fn filter(&self, method: &str, result: &Bytes) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        match method {
            "resources/directory/read" => directory(self, result),
            "skills/get" => skill(self, result),
            _ => Ok(Self::filter(self, method, result)?),
        }
    }
}

/// A directory without what has changed since it was accepted. Its other entries are content, as
/// that of a resource is: who may read them is for the policy.
fn directory(catalog: &Catalog, result: &Bytes) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let page = Page::read(std::str::from_utf8(result)?)?;
    let is_usable = |(kind, entry)| {
        let entry = Definition::read(kind, entry);
        entry.is_ok_and(|entry| catalog.check(kind, entry.key()).is_ok())
    };
    let keep: Vec<bool> = page.entries().map(is_usable).collect();
    let is_whole = keep.iter().all(|keep| *keep);
    Ok(if is_whole { result.clone() } else { page.with(&keep).into() })
}

/// The answer to `skills/get`, if the skill is as it was accepted. One that no list has is for the
/// policy.
fn skill(catalog: &Catalog, result: &Bytes) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let members = Object::parse(std::str::from_utf8(result)?)?;
    let Some(entry) = members.get("skill") else { return Ok(result.clone()) };
    let entry = Definition::read(Kind::Skill, entry)?;
    if catalog.pins().standing(&entry) == Standing::Changed {
        catalog.learn(std::slice::from_ref(&entry));
    }
    let admitted = Catalog::admit(catalog, Kind::Skill, entry.key());
    admitted.map_err(|refused| NotAcceptedError(refused.to_string()))?;
    Ok(result.clone())
}

/// What a request uses. The guard has seen to it that it names one thing.
fn target(request: &Message) -> Option<(Kind, String)> {
    let kind = match request.method() {
        "tools/call" => Kind::Tool,
        "prompts/get" => Kind::Prompt,
        "resources/read"
        | "resources/subscribe"
        | "resources/unsubscribe"
        | "resources/directory/read" => Kind::Resource,
        "skills/get" => Kind::Skill,
        "completion/complete" => return reference(request.params()?),
        _ => return None,
    };
    // A request that names nothing uses nothing that was accepted.
    Some((kind, request.target().unwrap_or_default().into_owned()))
}

/// What `completion/complete` completes an argument of.
fn reference(params: &str) -> Option<(Kind, String)> {
    let params = Object::parse(params).ok()?;
    let reference = params.object("ref")?;
    let (kind, member) = match &*reference.text("type")? {
        "ref/prompt" => (Kind::Prompt, "name"),
        "ref/resource" => (Kind::Template, "uri"),
        _ => return None,
    };
    Some((kind, reference.text(member)?.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Pins;

    fn catalog() -> Catalog {
        let tool = Definition::read(Kind::Tool, r#"{"name":"a"}"#).unwrap();
        let prompt = Definition::read(Kind::Prompt, r#"{"name":"p"}"#).unwrap();
        Catalog::new("files", Pins::accepting(&[tool, prompt]))
    }

    fn is_admitted(method: &str, params: &str) -> bool {
        let request = Message::request("1", method, Some(params)).unwrap();
        Definitions::admit(&catalog(), &request).is_ok()
    }

    #[test]
    fn what_was_not_accepted_cannot_be_used() {
        assert!(is_admitted("tools/call", r#"{"name":"a"}"#));
        assert!(!is_admitted("tools/call", r#"{"name":"b"}"#));
        assert!(!is_admitted("tools/call", "{}"));
        assert!(is_admitted("prompts/get", r#"{"name":"p"}"#));
        assert!(!is_admitted("prompts/get", r#"{"name":"a"}"#));
        assert!(is_admitted("resources/read", r#"{"uri":"a:b"}"#));
        assert!(is_admitted("tools/list", "{}"));
        let completes =
            |kind: &str, name: &str| format!(r#"{{"ref":{{"type":"{kind}","name":"{name}"}}}}"#);
        assert!(is_admitted("completion/complete", &completes("ref/prompt", "p")));
        assert!(!is_admitted("completion/complete", &completes("ref/prompt", "q")));
    }
    #[test]
    fn an_acceptance_is_another_revision() {
        let catalog = catalog();
        let before = Definitions::revision(&catalog);
        catalog.replace(Pins::clone(&catalog.pins()));
        assert_eq!(Definitions::revision(&catalog), before);
        catalog.accept(Pins::clone(&catalog.pins()));
        assert_ne!(Definitions::revision(&catalog), before);
    }
}
