//! What has changed in a definition.

use super::Json;

/// One place that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where, as a JSON Pointer (RFC 6901); empty for the whole.
    pub place: String,
    /// What was there, as JSON; `None` if there was nothing.
    pub old: Option<String>,
    /// What is there now.
    pub new: Option<String>,
}

/// Every place where `new` differs from `old`, in the order of the members.
#[must_use]
pub fn changes(old: &Json, new: &Json) -> Vec<Change> {
    let mut found = Vec::new();
    compare(Some(old), Some(new), String::new(), &mut found);
    found
}

fn compare(old: Option<&Json>, new: Option<&Json>, place: String, found: &mut Vec<Change>) {
    let within = |name: &str| format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
    match (old, new) {
        (Some(old), Some(new)) if old == new => {}
        (Some(Json::Object(left)), Some(Json::Object(right))) => {
            let is_new = |name: &String| !left.iter().any(|(its, _)| its == name);
            let added = right.iter().map(|(name, _)| name).filter(|name| is_new(name));
            let mut names: Vec<&String> = left.iter().map(|(name, _)| name).chain(added).collect();
            names.sort();
            for name in names {
                let of = |json: Option<&'_ Json>| json.and_then(|it| it.get(name)).cloned();
                let (one, other) = (of(old), of(new));
                compare(one.as_ref(), other.as_ref(), within(name), found);
            }
        }
        (Some(Json::Array(left)), Some(Json::Array(right))) if left.len() == right.len() => {
            for (index, (one, other)) in left.iter().zip(right).enumerate() {
                compare(Some(one), Some(other), within(&index.to_string()), found);
            }
        }
        (old, new) => {
            let text = |json: &Json| json.canonical();
            found.push(Change { place, old: old.map(text), new: new.map(text) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_that_differs_is_shown_once() {
        let read = |text: &str| Json::parse(text).unwrap();
        let old = read(r#"{"a":1,"b":{"c":[1,2],"d/e":"x"},"f":[1],"g":true}"#);
        let new = read(r#"{"a":1,"b":{"c":[1,3],"d/e":"y"},"f":[1,2],"h":null}"#);
        let change = |place: &str, old: Option<&str>, new: Option<&str>| Change {
            place: place.into(),
            old: old.map(Into::into),
            new: new.map(Into::into),
        };
        assert_eq!(
            changes(&old, &new),
            [
                change("/b/c/1", Some("2"), Some("3")),
                change("/b/d~1e", Some("\"x\""), Some("\"y\"")),
                change("/f", Some("[1]"), Some("[1,2]")),
                change("/g", Some("true"), None),
                change("/h", None, Some("null")),
            ]
        );
        assert_eq!(changes(&old, &old), []);
    }
}
