//! The URL of a PostgreSQL database
//! (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>).
//!
//! 1. A parameter that would have no effect is an error: the TLS that it was to ask for would be
//!    missing, and sqlx would log its value.
//! 2. A server that is not on this machine is spoken to over TLS, with its certificate and name
//!    checked (`sslmode=verify-full`), unless the URL says otherwise.
//! 3. No error repeats a value. The name of a parameter is repeated if it is like one: what follows
//!    a `?` may be the rest of a password.

use std::{net::IpAddr, str::FromStr};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use crate::DirectoryError;

/// The parameters that sqlx reads, by the names that PostgreSQL has for them, if it has one.
const PARAMETERS: &str = "sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port, dbname, \
     user, password, application_name, options and statement-cache-capacity";

/// Names with more bytes are not repeated.
const MAX_NAME_BYTES: usize = 40;

/// How to connect, and a name of the database without its password.
pub(crate) fn options(url: &str) -> Result<(PgConnectOptions, String), DirectoryError> {
    let fault = |reason| DirectoryError::PostgresUrl { reason };
    let parsed = Url::parse(url).map_err(|error| fault(format!("it is no URL ({error})")))?;
    // Another scheme would be read over.
    if !matches!(parsed.scheme(), "postgres" | "postgresql") {
        return Err(fault("it does not begin with postgres://".into()));
    }
    if parsed.fragment().is_some() {
        return Err(fault("it has a #, which is written %23 in a password".into()));
    }
    for (name, value) in parsed.query_pairs() {
        check_parameter(&name, &value).map_err(fault)?;
    }
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| fault("its user, password or database is not percent-encoded UTF-8".into()))?;
    let says_how = parsed.query_pairs().any(|(key, _)| matches!(&*key, "sslmode" | "ssl-mode"));
    let is_local = options.get_socket().is_some() || is_local(options.get_host());
    let options =
        if says_how || is_local { options } else { options.ssl_mode(PgSslMode::VerifyFull) };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    let place = format!("postgres://{}:{}/{database}", options.get_host(), options.get_port());
    Ok((options.application_name("bartizan"), place))
}

/// Whether sqlx 0.9 reads this parameter, and can read its value.
fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    let is_read = match name {
        "sslmode" | "ssl-mode" if PgSslMode::from_str(value).is_err() => {
            let write = "write disable, allow, prefer, require, verify-ca or verify-full";
            return Err(format!("the value of its parameter {name} is unknown: {write}"));
        }
        "hostaddr" if IpAddr::from_str(value).is_err() => {
            return Err("the value of its parameter hostaddr is no IP address".into());
        }
        "port" if !u16::from_str(value).is_ok_and(|port| port > 0) => {
            return Err("the value of its parameter port is no number from 1 to 65535".into());
        }
        "statement-cache-capacity" if usize::from_str(value).is_err() => {
            return Err(format!("the value of its parameter {name} is no whole number"));
        }
        "sslmode"
        | "ssl-mode"
        | "sslrootcert"
        | "ssl-root-cert"
        | "ssl-ca"
        | "sslcert"
        | "ssl-cert"
        | "sslkey"
        | "ssl-key"
        | "statement-cache-capacity"
        | "host"
        | "hostaddr"
        | "port"
        | "dbname"
        | "user"
        | "password"
        | "application_name"
        | "options" => true,
        _ => name.strip_prefix("options[").is_some_and(|rest| rest.ends_with(']')),
    };
    if is_read {
        return Ok(());
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_like_one = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.chars().all(is_name);
    let has_value = !value.is_empty() && !value.contains('@');
    Err(if is_like_one && has_value {
        format!("its parameter {name} is unknown; there are {PARAMETERS}")
    } else {
        format!(
            "what follows its ? is no parameter (in a password, ? is written %3F); there are \
             {PARAMETERS}"
        )
    })
}

/// Whether connections to `host` stay on this machine.
fn is_local(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    // A path is the folder of a socket.
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_spoken_to_over_tls_unless_the_url_says_otherwise() {
        let mode = |url: &str| format!("{:?}", options(url).unwrap().0.get_ssl_mode());
        let full = "VerifyFull";
        assert_eq!(mode("postgres://app:pw@db.example/users"), full);
        assert_eq!(mode("postgresql://db.example:6432/users?application_name=x"), full);
        assert_eq!(mode("postgres://app@10.0.0.1/users"), full);
        assert_eq!(mode("postgres://app@127.0.0.1.example/users"), full);
        assert_eq!(mode("postgres://app@db.example/users?sslmode=disable"), "Disable");
        assert_eq!(mode("postgres://app@db.example/users?sslmode=verify-ca"), "VerifyCa");
        for local in ["localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(mode(&format!("postgres://app@{local}/users")), "Prefer", "{local}");
        }
        assert_eq!(mode("postgres:///users?host=/run/postgresql"), "Prefer");
        // The parameter is where the connection goes.
        assert_eq!(mode("postgres:///users?host=db.example"), full);
        assert_eq!(mode("postgres://localhost/users?hostaddr=10.0.0.1"), full);
    }

    #[test]
    fn a_database_of_another_kind_is_refused() {
        for url in ["mysql://db.example/users", "sqlite:///var/users.db"] {
            let fault = options(url).unwrap_err().to_string();
            assert!(fault.contains("it does not begin with postgres://"), "{fault}");
        }
    }

    #[test]
    fn no_password_is_repeated() {
        let (_, place) = options("postgres://app:hunter2@db.example:6432/users").unwrap();
        assert_eq!(place, "postgres://db.example:6432/users");
        for url in [
            "postgres://app:hunter2@db.example:x/users",
            "hunter2",
            "postgres://app@db.example/users?pasword=hunter2",
            "postgres://app@db.example/users?sslmode=hunter2",
            "postgres://app@db.example/users?port=hunter2",
            "postgres://app@db.example/users?hunter2",
            "postgres://app:12?hunter2@db.example/users",
            "postgres://app:12?hunter2=@db.example/users",
            "postgres://app:12?hunter2@db.example/users?sslmode=require",
            "postgres://app:12#hunter2@db.example/users",
        ] {
            let fault = options(url).unwrap_err();
            assert!(!format!("{fault} {fault:?}").contains("hunter2"), "{url}: {fault}");
        }
    }

    #[test]
    fn a_parameter_that_would_have_no_effect_is_named() {
        let fault = |query: &str| {
            let url = format!("postgres://app@db.example/users?{query}");
            options(&url).err().map(|fault| fault.to_string()).unwrap_or_default()
        };
        assert!(fault("sslmod=verify-full").contains("its parameter sslmod is unknown"));
        assert!(fault("sslmode=require&pasword=x").contains("its parameter pasword is unknown"));
        assert!(fault("sslmode=wrong").contains("its parameter sslmode is unknown: write disable"));
        assert!(fault("ssl-mode=wrong").contains("its parameter ssl-mode"));
        assert!(fault("port=0").contains("its parameter port"));
        assert!(fault("hostaddr=db.example").contains("its parameter hostaddr"));
        assert!(fault("statement-cache-capacity=x").contains("statement-cache-capacity is no"));
        assert!(fault("options[search_path=x").contains("no parameter"));
        assert!(options("postgres://h:99999/x").unwrap_err().to_string().contains("port"));
        for known in [
            "sslmode=Require&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem&user=a&password=b",
            "host=localhost&port=1&dbname=x&application_name=y&statement-cache-capacity=0",
            "options=-c%20a=b&options[search_path]=x&hostaddr=::1",
        ] {
            assert_eq!(fault(known), "", "{known}");
        }
    }
}
