//! The recorded and described exchanges of clients, as `exchanges/README.md` says.

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::{Map, Value};

/// The exchanges of one client.
pub(crate) struct Exchange {
    lists: BTreeMap<String, Vec<Step>>,
}

/// One request and what was answered.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Who makes an authorization request: the browser, or the client itself.
    pub(crate) by: Option<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) json: Option<Value>,
    pub(crate) headers: BTreeMap<String, String>,
    /// The status that the client was answered with when it was recorded.
    pub(crate) status: u64,
    /// What of the answer matters for the requests that follow.
    pub(crate) answer: Map<String, Value>,
}

/// The folder of the exchanges.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sign_in/exchanges")
}

impl Exchange {
    /// The exchanges in a file.
    pub(crate) fn read(file: &str) -> Self {
        let text = fs::read_to_string(folder().join(file)).unwrap();
        let value: Map<String, Value> = serde_json::from_str(&text).unwrap();
        let lists = value.iter().filter_map(|(name, list)| {
            Some((name.clone(), list.as_array()?.iter().map(Step::read).collect()))
        });
        Self { lists: lists.collect() }
    }

    /// The names of the lists.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.lists.keys().map(String::as_str)
    }

    pub(crate) fn list(&self, name: &str) -> Option<&[Step]> {
        self.lists.get(name).map(Vec::as_slice)
    }
}

impl Step {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let pairs = |name: &str| {
            let pairs = value[name].as_array().into_iter().flatten();
            pairs.map(|it| (string(&it[0]), string(&it[1]))).collect()
        };
        let headers = value["headers"].as_object().into_iter().flatten();
        Self {
            method: text("method").unwrap(),
            path: text("path").unwrap(),
            by: text("by"),
            query: pairs("query"),
            form: pairs("form"),
            json: value.get("json").cloned(),
            headers: headers.map(|(name, it)| (name.clone(), string(it))).collect(),
            status: value["status"].as_u64().unwrap(),
            answer: value["answer"].as_object().cloned().unwrap_or_default(),
        }
    }

    /// Whether it has this text anywhere in its query or form.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        let mut values = self.query.iter().chain(&self.form);
        values.any(|(_, value)| value == text)
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
