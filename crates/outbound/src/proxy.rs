//! Proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, upper or lower
//! case).
//!
//! They are read here rather than by the HTTP library, because it matters whether a request takes a
//! proxy: the proxy then resolves the name, and the address that we are connected to is the
//! proxy's.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, NoProxy, Proxy};

/// The proxies of an environment.
pub(crate) struct Proxies {
    matcher: Matcher,
    http: Option<String>,
    https: Option<String>,
    all: Option<String>,
    no: String,
}

/// Makes a proxy for one scheme, or for all.
type MakeProxy = fn(String) -> reqwest::Result<Proxy>;

impl Proxies {
    /// The proxies that the environment of the process names.
    #[expect(
        clippy::disallowed_methods,
        reason = "these variables are no setting of ours: every HTTP library reads them itself"
    )]
    pub(crate) fn of_process() -> Option<Self> {
        Self::read(&|name| std::env::var(name).ok())
    }

    /// The proxies that the variables name, if they name any.
    pub(crate) fn read(variable: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let get = |upper: &str| {
            let value = variable(&upper.to_ascii_lowercase()).or_else(|| variable(upper));
            value.filter(|value| !value.is_empty())
        };
        // In a CGI program `HTTP_PROXY` may be a header of the request (httpoxy).
        let http = match variable("REQUEST_METHOD") {
            Some(_) => variable("http_proxy").filter(|value| !value.is_empty()),
            None => get("HTTP_PROXY"),
        };
        let (https, all) = (get("HTTPS_PROXY"), get("ALL_PROXY"));
        if http.is_none() && https.is_none() && all.is_none() {
            return None;
        }
        let no = get("NO_PROXY").unwrap_or_default();
        let matcher = Matcher::builder()
            .http(http.clone().unwrap_or_default())
            .https(https.clone().unwrap_or_default())
            .all(all.clone().unwrap_or_default())
            .no(no.clone())
            .build();
        Some(Self { matcher, http, https, all, no })
    }

    /// Whether a request to this URL takes a proxy.
    pub(crate) fn serve(&self, url: &str) -> bool {
        url.parse::<Uri>().is_ok_and(|uri| self.matcher.intercept(&uri).is_some())
    }

    /// A client whose every request takes the proxy of its scheme.
    pub(crate) fn used_by(&self, mut builder: ClientBuilder) -> reqwest::Result<ClientBuilder> {
        let kinds: [(&Option<String>, MakeProxy); 3] =
            [(&self.http, Proxy::http), (&self.https, Proxy::https), (&self.all, Proxy::all)];
        for (url, make) in kinds {
            if let Some(url) = url {
                let proxy = make(url.clone())?.no_proxy(NoProxy::from_string(&self.no));
                builder = builder.proxy(proxy);
            }
        }
        Ok(builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(pairs: &[(&str, &str)]) -> Option<Proxies> {
        Proxies::read(&|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_what_takes_a_proxy() {
        assert!(proxies(&[]).is_none());
        assert!(proxies(&[("HTTPS_PROXY", ""), ("NO_PROXY", "x")]).is_none());
        let some = proxies(&[("HTTPS_PROXY", "http://proxy:3128"), ("no_proxy", "corp.example")]);
        let some = some.unwrap();
        assert!(some.serve("https://login.example/keys"));
        assert!(!some.serve("https://keys.corp.example/"));
        assert!(!some.serve("http://login.example/"));
        assert!(proxies(&[("all_proxy", "http://proxy:1")]).unwrap().serve("https://a.example/"));
    }

    #[test]
    fn a_request_header_of_a_cgi_program_names_no_proxy() {
        let cgi = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil.example")];
        assert!(proxies(&cgi).is_none());
    }
}
