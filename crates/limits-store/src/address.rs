//! Where a store is.

use std::{fmt, str::FromStr};

use redis::{ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Where a store is: `redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER]`, or `rediss://` for TLS. The
/// schemes `valkey` and `valkeys` mean the same.
#[derive(Clone)]
pub struct StoreAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) is_tls: bool,
    pub(crate) login: RedisConnectionInfo,
}

/// Why a text is no address of a store. None has a part of the text, which may have a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreAddressError {
    /// No URL, or one of another scheme.
    #[error("write redis://HOST:6379, or rediss://HOST:6379 for TLS")]
    Syntax,
    /// It has a query or a fragment.
    #[error(
        "write nothing after the host, its port and the number of the database; a ? or # in a password is written %3F or %23"
    )]
    Extra,
    /// What is after the host is no number of a database.
    #[error("what is after the host is the number of a database: redis://HOST:6379/0")]
    Database,
}

impl StoreAddress {
    /// The same, with this password.
    #[must_use]
    pub fn with_password(self, password: &SecretString) -> Self {
        Self { login: self.login.set_password(password.expose_secret()), ..self }
    }

    /// Whether it is asked over TLS.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Whether it has a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.login.password().is_some()
    }
}

impl FromStr for StoreAddress {
    type Err = StoreAddressError;

    fn from_str(text: &str) -> Result<Self, StoreAddressError> {
        let url = Url::parse(text).map_err(|_| StoreAddressError::Syntax)?;
        let is_known = matches!(url.scheme(), "redis" | "rediss" | "valkey" | "valkeys");
        if !is_known || url.host_str().is_none_or(str::is_empty) {
            return Err(StoreAddressError::Syntax);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(StoreAddressError::Extra);
        }
        let database = url.path().trim_start_matches('/');
        if !database.is_empty() && database.parse::<u32>().is_err() {
            return Err(StoreAddressError::Database);
        }
        let is_tls = matches!(url.scheme(), "rediss" | "valkeys");
        // The library knows neither TLS nor its scheme: the connection is made here.
        let (_, rest) = url.as_str().split_once(':').ok_or(StoreAddressError::Syntax)?;
        let info = format!("redis:{rest}").into_connection_info();
        let info = info.map_err(|_| StoreAddressError::Syntax)?;
        let ConnectionAddr::Tcp(host, port @ 1..) = info.addr() else {
            return Err(StoreAddressError::Syntax);
        };
        let login = info.redis_settings().clone().set_skip_set_lib_name();
        Ok(Self { host: host.clone(), port: *port, is_tls, login })
    }
}

/// Without user and password.
impl fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "rediss" } else { "redis" };
        let (host, port, database) = (&self.host, self.port, self.login.db());
        if host.contains(':') {
            return write!(f, "{scheme}://[{host}]:{port}/{database}");
        }
        write!(f, "{scheme}://{host}:{port}/{database}")
    }
}

impl fmt::Debug for StoreAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreAddress({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_with_what_is_said_of_it() {
        for (text, shown, has_password) in [
            ("redis://cache.internal", "redis://cache.internal:6379/0", false),
            ("valkey://cache.internal:7000/3", "redis://cache.internal:7000/3", false),
            ("rediss://me:hush%3F@cache.internal", "rediss://cache.internal:6379/0", true),
            ("valkeys://:hush@[::1]:1", "rediss://[::1]:1/0", true),
        ] {
            let address: StoreAddress = text.parse().unwrap();
            assert_eq!((address.to_string(), address.has_password()), (shown.into(), has_password));
            assert_eq!(address.is_tls(), shown.starts_with("rediss:"));
            assert_eq!(format!("{address:?}"), format!("StoreAddress({shown})"));
        }
        let address: StoreAddress = "rediss://me:hush%3F@h".parse().unwrap();
        assert_eq!(address.login.username(), Some("me"));
        assert_eq!(address.login.password(), Some("hush?"));
        let other = address.with_password(&"other".into());
        assert_eq!((other.login.username(), other.login.password()), (Some("me"), Some("other")));
    }

    #[test]
    fn anything_else_is_none() {
        use StoreAddressError::{Database, Extra, Syntax};
        for (text, fault) in [
            ("", Syntax),
            ("cache.internal:6379", Syntax),
            ("redis://cache.internal:0", Syntax),
            ("redis://", Syntax),
            ("redis:cache", Syntax),
            ("http://cache.internal", Syntax),
            ("unix:///run/redis.sock", Syntax),
            ("redis+unix:///run/redis.sock", Syntax),
            ("rediss://cache.internal/#insecure", Extra),
            ("redis://cache.internal?protocol=resp3", Extra),
            ("redis://cache.internal/limits", Database),
            ("redis://cache.internal/-1", Database),
        ] {
            assert_eq!(text.parse::<StoreAddress>().unwrap_err(), fault, "{text}");
        }
    }
}
