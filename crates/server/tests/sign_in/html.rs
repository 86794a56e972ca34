//! The forms of a page. A page is read by its fields and buttons alone, so that its text and its
//! order may change.

/// A form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    pub(crate) method: String,
    pub(crate) action: String,
    pub(crate) fields: Vec<Field>,
}

/// A field or a button.
#[derive(Debug, Default)]
pub(crate) struct Field {
    /// The kind of element, or the type of an `input`.
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) checked: bool,
}

impl Form {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether it has a button with this name and value.
    pub(crate) fn button(&self, name: &str, value: &str) -> bool {
        let is = |field: &&Field| field.is_button() && field.name == name && field.value == value;
        self.fields.iter().any(|field| is(&field))
    }
}

impl Field {
    pub(crate) fn is_button(&self) -> bool {
        matches!(self.kind.as_str(), "button" | "submit")
    }
}

/// The forms of a page, in their order.
pub(crate) fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut is_open = false;
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap_or((tag, ""));
        let name_end = tag.find(|it: char| it.is_ascii_whitespace()).unwrap_or(tag.len());
        let (element, rest) = tag.split_at(name_end);
        let attributes = attributes(rest.trim_end_matches('/'));
        let get = |name: &str| {
            let found = attributes.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        match element.trim_end_matches('/') {
            "form" => {
                is_open = true;
                forms.push(Form {
                    method: get("method").unwrap_or_default().to_ascii_lowercase(),
                    action: get("action").unwrap_or_default(),
                    fields: Vec::new(),
                });
            }
            "/form" => is_open = false,
            element @ ("input" | "button") if is_open => {
                let default = if element == "button" { "submit" } else { "text" };
                let field = Field {
                    kind: get("type").unwrap_or_else(|| default.to_owned()),
                    name: get("name").unwrap_or_default(),
                    value: get("value").unwrap_or_default(),
                    checked: get("checked").is_some(),
                };
                forms.last_mut().unwrap().fields.push(field);
            }
            _ => {}
        }
    }
    forms
}

/// Where a page sends the browser by itself (`<meta http-equiv="refresh">`).
pub(crate) fn onward(page: &str) -> Option<String> {
    page.split('<').find_map(|tag| {
        let rest = tag.strip_prefix("meta ")?.split_once('>')?.0;
        let attributes = attributes(rest);
        let get = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|it| &it.1);
        get("http-equiv").filter(|it| *it == "refresh")?;
        get("content")?.split_once("url=").map(|(_, url)| url.to_owned())
    })
}

/// The attributes of a tag, decoded.
fn attributes(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return found;
        }
        let end = text.find(|it: char| it == '=' || it.is_ascii_whitespace());
        let (name, rest) = text.split_at(end.unwrap_or(text.len()));
        let Some(value) = rest.trim_start().strip_prefix('=') else {
            found.push((name.to_ascii_lowercase(), String::new()));
            text = rest;
            continue;
        };
        let value = value.trim_start();
        let (value, rest) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value.split_once(|it: char| it.is_ascii_whitespace()).unwrap_or((value, "")),
        };
        found.push((name.to_ascii_lowercase(), decoded(value)));
        text = rest;
    }
}

/// Text without character references.
pub(crate) fn decoded(text: &str) -> String {
    let mut decoded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let Some((reference, after)) = after.split_once(';') else {
            decoded.push('&');
            rest = after;
            continue;
        };
        let code = reference.strip_prefix('#').and_then(|number| match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => number.parse().ok(),
        });
        match (reference, code.and_then(char::from_u32)) {
            ("amp", _) => decoded.push('&'),
            ("lt", _) => decoded.push('<'),
            ("gt", _) => decoded.push('>'),
            ("quot", _) => decoded.push('"'),
            ("apos", _) => decoded.push('\''),
            (_, Some(it)) => decoded.push(it),
            _ => panic!("an unknown character reference: &{reference};"),
        }
        rest = after;
    }
    decoded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_with_their_fields_and_buttons() {
        let page = r#"<p><form method="POST" action='/sign-in?a=1&amp;b'><label>Name
            <input name=user required></label><input type="hidden" name="request" value="x&#61;&quot;"/>
            <input type="checkbox" name="scope" value="User.Read" checked>
            <button name="decision" value="allow">Allow</button></form><input name="outside">"#;
        let forms = forms(page);
        let [form] = forms.as_slice() else { panic!("{forms:?}") };
        assert_eq!((form.method.as_str(), form.action.as_str()), ("post", "/sign-in?a=1&b"));
        assert_eq!(form.field("request").unwrap().value, "x=\"");
        assert!(form.field("scope").unwrap().checked && form.field("user").is_some());
        assert!(form.button("decision", "allow") && form.field("outside").is_none());
    }
}
