//! A browser without a window: it goes where it is sent, and wherever that sends it.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(url) = std::env::args().next_back() else {
        return ExitCode::FAILURE;
    };
    let Ok(browser) = reqwest::Client::builder().no_proxy().build() else {
        return ExitCode::FAILURE;
    };
    match browser.get(url).send().await {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
