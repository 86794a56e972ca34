//! Just enough of HTML to find forms and what is in them.

/// A form, with what a browser would send of it, but for the button that is pressed.
#[derive(Debug, Clone)]
pub(crate) struct HtmlForm {
    pub(crate) action: String,
    /// Hidden fields, texts, and boxes that are ticked.
    pub(crate) fields: Vec<(String, String)>,
    /// Boxes that are not ticked.
    pub(crate) unticked: Vec<String>,
    /// The names and values of its buttons.
    pub(crate) buttons: Vec<(String, String)>,
}

/// The forms of a page.
pub(crate) fn forms(html: &str) -> Vec<HtmlForm> {
    let mut forms = Vec::new();
    for part in html.split("<form").skip(1) {
        let part = part.split("</form>").next().unwrap_or_default();
        let (head, content) = part.split_once('>').unwrap_or_default();
        let mut form = HtmlForm {
            action: attribute(head, "action").unwrap_or_default(),
            fields: Vec::new(),
            unticked: Vec::new(),
            buttons: Vec::new(),
        };
        for tag in content.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            let kind = tag.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
            let Some(name) = attribute(tag, "name") else { continue };
            let value = attribute(tag, "value").unwrap_or_default();
            let is_box = attribute(tag, "type").as_deref() == Some("checkbox");
            match kind {
                "input" if is_box && !has_word(tag, "checked") => form.unticked.push(name),
                "input" => form.fields.push((name, value)),
                "button" => form.buttons.push((name, value)),
                _ => {}
            }
        }
        forms.push(form);
    }
    forms
}

/// Where a page leads by itself.
pub(crate) fn onward(html: &str) -> Option<String> {
    let tag = html.split("<meta").find(|tag| tag.contains("http-equiv=\"refresh\""))?;
    let content = attribute(tag.split('>').next()?, "content")?;
    let url = content.split_once("url=")?.1;
    Some(url.trim_matches('\'').to_owned())
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}="))?.1;
    let value = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(|c: char| c.is_whitespace()).next()?,
    };
    Some(unescape(value))
}

fn has_word(tag: &str, word: &str) -> bool {
    tag.split(|c: char| c.is_whitespace() || c == '/').any(|it| it == word)
}

fn unescape(text: &str) -> String {
    let mut plain = text.to_owned();
    for (escape, c) in [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x22;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        plain = plain.replace(escape, c);
    }
    plain
}
