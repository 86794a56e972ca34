//! The page on this machine that the browser is redirected to (RFC 8252 §7.3).
//!
//! 1. Only a response with our `state` counts: any page in any browser here can send a request to
//!    the port.
//! 2. The page shows nothing that came with the request, except whether it is an error.
//! 3. A browser may resolve `localhost` to either loopback address, so both are bound.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use url::Url;

use super::{
    LoginError,
    redirect::{PATH, RedirectHost, parameter, redirect_uri},
};

/// The longest request head. A code and a state are far shorter.
const MAX_HEAD: usize = 16 * 1024;
/// How long one connection may take to send its request: browsers open some that send none.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// A page that waits for the browser.
#[derive(Debug)]
pub(crate) struct Loopback {
    host: RedirectHost,
    listener: TcpListener,
    /// The other loopback address, for a host that may be either; nothing where there is none.
    other: Option<TcpListener>,
    port: u16,
}

impl Loopback {
    /// Listens: on `port`, or on any free one.
    pub(crate) async fn bind(host: RedirectHost, port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await?;
        let port = listener.local_addr()?.port();
        let other = match host {
            RedirectHost::Address => None,
            RedirectHost::Name => match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
                // Another program there would get the code.
                Err(fault) if fault.kind() == io::ErrorKind::AddrInUse => return Err(fault),
                other => other.ok(),
            },
        };
        Ok(Self { host, listener, other, port })
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let other = async {
            match &self.other {
                Some(other) => other.accept().await,
                None => std::future::pending().await,
            }
        };
        let accepted = tokio::select! {
            accepted = self.listener.accept() => accepted,
            accepted = other => accepted,
        };
        Ok(accepted?.0)
    }

    /// The redirect URI.
    pub(crate) fn redirect_uri(&self) -> String {
        redirect_uri(self.host.name(), self.port)
    }

    /// Waits for the answer that carries this `state`, and gives the whole URL.
    pub(crate) async fn answer(&self, state: &str) -> Result<Url, LoginError> {
        loop {
            let stream = self.accept().await.map_err(LoginError::Loopback)?;
            // Requests of others are ignored.
            if let Ok(Ok(Some(url))) = timeout(REQUEST_TIMEOUT, self.serve(stream, state)).await {
                return Ok(url);
            }
        }
    }

    async fn serve(&self, mut stream: TcpStream, state: &str) -> io::Result<Option<Url>> {
        let head = read_head(&mut stream).await?;
        let url = self.asked(&head);
        let is_ours =
            url.as_ref().is_some_and(|url| parameter(url, "state").as_deref() == Some(state));
        let is_error = url.as_ref().is_some_and(|url| parameter(url, "error").is_some());
        let answer = match (&url, is_ours) {
            (Some(_), true) if is_error => page(
                "200 OK",
                "You are not signed in",
                "The issuer refused the sign-in. You may close this page; the terminal shows the reason.",
            ),
            (Some(_), true) => page(
                "200 OK",
                "The response has arrived",
                "You may close this page and go back to the terminal.",
            ),
            (Some(_), false) => page(
                "400 Bad Request",
                "This response is not to our request",
                "You may close this page. The terminal shows the address to open.",
            ),
            (None, _) => page("404 Not Found", "There is nothing here", "You may close this page."),
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        Ok(url.filter(|_| is_ours))
    }

    /// The URL that a request head asks for, if it is our page.
    fn asked(&self, head: &str) -> Option<Url> {
        let target = head.strip_prefix("GET ")?.split(' ').next()?;
        let url = Url::parse(&self.redirect_uri()).ok()?.join(target).ok()?;
        (url.path() == PATH && url.port_or_known_default() == Some(self.port)).then_some(url)
    }
}

async fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk).await?;
        if read == 0 || head.len() + read > MAX_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.extend(chunk.iter().take(read));
    }
    String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn page(status: &str, title: &str, text: &str) -> String {
    let body = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>body{{font:18px/1.5 system-ui,sans-serif;max-width:32em;margin:20vh auto;\
         padding:0 1em;color-scheme:light dark}}</style><h1>{title}</h1><p>{text}</p></html>\n"
    );
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
         content-security-policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(port: u16, target: &str) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn only_the_response_with_our_state_counts() {
        let loopback = Loopback::bind(RedirectHost::Address, None).await.unwrap();
        let port = loopback.port;
        let (answer, ()) = tokio::join!(loopback.answer("ours"), async {
            assert!(ask(port, "/favicon.ico").await.starts_with("HTTP/1.1 404 "));
            let stranger = ask(port, "/callback?code=evil&state=theirs").await;
            assert!(stranger.starts_with("HTTP/1.1 400 "));
            assert!(!stranger.contains("evil"));
            assert!(ask(port, "/callback?code=evil").await.starts_with("HTTP/1.1 400 "));
            // A connection that sends nothing does not keep others out for long.
            drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap());
            let ours = ask(port, "/callback?code=c&state=ours&iss=i").await;
            assert!(ours.starts_with("HTTP/1.1 200 "));
            assert!(ours.contains("You may close this page"));
        });
        let answer = answer.unwrap();
        assert_eq!(answer.query(), Some("code=c&state=ours&iss=i"));
        assert_eq!(parameter(&answer, "code").as_deref(), Some("c"));
    }

    #[tokio::test]
    async fn a_port_can_be_asked_for() {
        let address = RedirectHost::Address;
        let first = Loopback::bind(address, None).await.unwrap();
        assert_eq!(first.redirect_uri(), format!("http://127.0.0.1:{}/callback", first.port));
        assert!(Loopback::bind(address, Some(first.port)).await.is_err());
    }

    #[tokio::test]
    async fn localhost_is_either_loopback_address() {
        let loopback = Loopback::bind(RedirectHost::Name, None).await.unwrap();
        let port = loopback.port;
        assert_eq!(loopback.redirect_uri(), format!("http://localhost:{port}/callback"));
        let mut addresses = vec![std::net::IpAddr::from(Ipv4Addr::LOCALHOST)];
        addresses
            .extend(loopback.other.as_ref().map(|_| std::net::IpAddr::from(Ipv6Addr::LOCALHOST)));
        for address in addresses {
            let (answer, ()) = tokio::join!(loopback.answer("ours"), async {
                let mut stream = TcpStream::connect((address, port)).await.unwrap();
                let request = b"GET /callback?state=ours&error=access_denied HTTP/1.1\r\n\r\n";
                stream.write_all(request).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert!(answer.contains("You are not signed in"), "{answer}");
            });
            answer.unwrap();
        }
    }
}
