//! The PostgreSQL server that tests get is a real one, and leaves nothing behind.
#![cfg(all(feature = "postgres", unix))]

use std::{net::TcpStream, path::Path};

use testkit::Postgres;

#[test]
fn what_was_written_outlives_a_stop_and_a_crash_and_nothing_outlives_the_test() {
    let Some(mut postgres) = Postgres::for_tests() else { return };
    let [one, other] = [postgres.database().unwrap(), postgres.database().unwrap()];
    postgres.query(&one, "create table t (n int); insert into t values (1)").unwrap();
    assert!(postgres.query(&other, "select n from t").is_err(), "a database is empty at first");
    assert_eq!(postgres.query(&one, "show fsync").unwrap(), "on");

    postgres.stop().unwrap();
    assert!(postgres.query(&one, "select n from t").is_err());
    postgres.start_again().unwrap();
    postgres.query(&one, "insert into t values (2)").unwrap();
    postgres.kill().unwrap();
    postgres.start_again().unwrap();
    assert_eq!(postgres.query(&one, "select n from t order by n").unwrap(), "1\n2");

    let wrong = one.replace("tester:", "tester:wrong");
    let fault = postgres.query(&wrong, "select 1").unwrap_err().to_string();
    assert!(fault.contains("password authentication failed"), "{fault}");

    let port = postgres.port();
    let folder = postgres.query(&one, "show data_directory").unwrap();
    drop(postgres);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!Path::new(&folder).parent().unwrap().exists());
}

#[test]
fn with_tls_it_proves_its_name_and_speaks_nothing_else() {
    let Some(postgres) = Postgres::for_tests_with_tls() else { return };
    let url = postgres.database().unwrap();
    let own = "select version from pg_stat_ssl where pid = pg_backend_pid()";
    assert!(postgres.query(&url, own).unwrap().starts_with("TLSv1."));

    let refused = |url: &str| postgres.query(url, "select 1").unwrap_err().to_string();
    let plain = refused(&url.replace("verify-full", "disable"));
    assert!(plain.contains("no pg_hba.conf entry"), "{plain}");
    let elsewhere = refused(&url.replace("localhost", "127.0.0.1"));
    assert!(elsewhere.contains("does not match host name"), "{elsewhere}");
    let stranger = Postgres::for_tests_with_tls().unwrap();
    let [ours, theirs] = [&postgres, &stranger].map(|it| it.authority().unwrap().display());
    let unknown = refused(&url.replace(&ours.to_string(), &theirs.to_string()));
    assert!(unknown.contains("certificate verify failed"), "{unknown}");
}
