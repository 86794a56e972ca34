//! The way to servers and issuers: one question, one bounded answer.
//!
//! 1. `https`, or `http` to this machine; no user, no password, no fragment in the address.
//! 2. No redirect is followed. An answer takes 10 s and 256 KiB at most.
//! 3. This machine is asked directly, whatever proxy the environment names.

use std::{
    error::Error,
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use auth_core::AccessToken;
use reqwest::{Certificate, Client, Url, redirect::Policy};

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 256 * 1024;

/// One question.
#[derive(Debug)]
pub struct Request {
    /// Where.
    pub url: String,
    /// Who asks: goes into `Authorization`.
    pub token: Option<AccessToken>,
    /// A JSON body; with one it is a POST, without it a GET.
    pub body: Option<zeroize::Zeroizing<String>>,
    /// A PEM file with certificate authorities to trust besides the system's (`CA_FILE`).
    pub ca_file: Option<PathBuf>,
}

/// What came back.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// An address that is not asked.
    #[error(
        "not an https URL without user, password and fragment (plain http is for this machine only)"
    )]
    Address,
    /// No whole answer.
    #[error("{0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    Timeout,
    /// An answer that is too long, or no text.
    #[error("the answer is longer than {MAX_BYTES} bytes, or no text")]
    Answer,
    /// No file of certificate authorities.
    #[error("CA_FILE {0}: {1}")]
    Authorities(PathBuf, String),
}

/// Asks.
pub fn fetch(request: &Request) -> Result<Response, FetchFault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| FetchFault::Unreachable(error.to_string()))?;
    let answer = async { tokio::time::timeout(TIMEOUT, ask(request)).await };
    runtime.block_on(answer).unwrap_or(Err(FetchFault::Timeout))
}

async fn ask(request: &Request) -> Result<Response, FetchFault> {
    let (url, is_here) = address(&request.url)?;
    let builder = Client::builder().redirect(Policy::none()).user_agent("mint-token");
    let builder = if is_here { builder.no_proxy() } else { builder };
    let builder = match &request.ca_file {
        Some(path) => builder.tls_certs_merge(authorities(path)?),
        None => builder,
    };
    let client = builder.build().map_err(unreachable)?;
    let mut call = match &request.body {
        Some(body) => client
            .post(url)
            .header("content-type", "application/json")
            .body(body.as_bytes().to_vec()),
        None => client.get(url),
    };
    call = call.header("accept", "application/json");
    if let Some(token) = &request.token {
        call = call.bearer_auth(token.expose());
    }
    let mut response = call.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(FetchFault::Answer);
        }
        body.extend_from_slice(&chunk);
    }
    let body = String::from_utf8(body).map_err(|_| FetchFault::Answer)?;
    Ok(Response { status, body })
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, FetchFault> {
    let fault = |fault: &dyn Error| FetchFault::Authorities(path.into(), fault.to_string());
    let pem = std::fs::read(path).map_err(|error| fault(&error))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| fault(&error))?;
    if found.is_empty() {
        return Err(FetchFault::Authorities(path.into(), "there is no certificate in it".into()));
    }
    Ok(found)
}

/// The address, and whether it is this machine.
fn address(text: &str) -> Result<(Url, bool), FetchFault> {
    let url = Url::parse(text).map_err(|_| FetchFault::Address)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here = host == "localhost"
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_here);
    if is_bare && is_safe { Ok((url, is_here)) } else { Err(FetchFault::Address) }
}

/// What the network said, down to the cause.
fn unreachable(error: reqwest::Error) -> FetchFault {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // A text of our own takes all that is written to it.
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    if text.contains("UnknownIssuer") {
        text.push_str(". If you trust its certificate authority, name its PEM file as CA_FILE");
    }
    FetchFault::Unreachable(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_authorities_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let said = |path: &Path| authorities(path).unwrap_err().to_string();
        assert!(said(&path).starts_with(&format!("CA_FILE {}: ", path.display())));
        std::fs::write(&path, "nothing").unwrap();
        assert!(said(&path).contains("no certificate"), "{}", said(&path));
    }

    #[test]
    fn only_https_and_this_machine_are_asked() {
        for fine in
            ["https://a.example/k", "http://localhost:1/", "http://127.0.0.1/", "http://[::1]/"]
        {
            assert!(address(fine).is_ok(), "{fine}");
        }
        for bad in [
            "http://a.example/",
            "https://u@a.example/",
            "https://a.example/#f",
            "file:///etc/passwd",
            "ftp://a.example",
            "a.example",
            "",
            "http://localhost.example/",
        ] {
            assert_eq!(address(bad).unwrap_err(), FetchFault::Address, "{bad}");
        }
    }
}
