//! Writes every page with sample data into a folder, for the check in a browser:
//! `gallery FOLDER`. Each page is `NAME.html`; `pages.json` has status and headers of each.
#![expect(clippy::expect_used, reason = "a program for tests must stop when it cannot go on")]

mod samples;

use std::{fs, path::PathBuf};

use http_body_util::BodyExt;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("usage: gallery FOLDER"));
    fs::create_dir_all(&folder).expect("the folder can be made");
    let mut pages = serde_json::Map::new();
    let style = issuer::pages::style().await;
    let all = samples::samples().into_iter().map(|(name, page)| (format!("{name}.html"), page));
    for (name, response) in all.chain([("style.css".to_owned(), style)]) {
        let headers = response.headers().iter().map(|(name, value)| {
            (name.to_string(), value.to_str().expect("headers are ASCII").into())
        });
        let headers: serde_json::Map<_, _> = headers.collect();
        let status = response.status().as_u16();
        pages.insert(name.clone(), serde_json::json!({ "status": status, "headers": headers }));
        let body = response.into_body().collect().await.expect("pages are in memory").to_bytes();
        fs::write(folder.join(name), body).expect("the folder can be written");
    }
    let pages = serde_json::Value::from(pages).to_string();
    fs::write(folder.join("pages.json"), pages).expect("the folder can be written");
}
