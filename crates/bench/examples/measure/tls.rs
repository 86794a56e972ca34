//! The same calls over TLS 1.3 and HTTP/2: what it costs where no proxy is in front.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use tokio_rustls::rustls::HandshakeKind;

use crate::{
    calls::{self, Revision},
    load::Load,
    process::Server,
    report::{Programs, Row, Work, load, table},
    wire::{Protocol, Tls},
};

/// Calls over all that there is, and what it costs to begin a connection.
pub(crate) async fn scene(programs: &Programs) {
    let folder = tempfile::tempdir().unwrap();
    make_certificate(folder.path());
    let path = folder.path().to_str().unwrap();
    let peer = |flags: &[&str]| Server::peer(&programs.peer, "app", flags);
    let plain = || peer(&[]);
    let tls = || peer(&["--certificate", path]);
    let raw = |name: &str, server| Row::call(name, server, Revision::V2025);
    let over = |name: &str, server, protocol, resumption, each| {
        let work = Tls::new(&server, folder.path(), protocol, resumption, each);
        Row::of(name, server, Work::Tls(work))
    };
    let rows = vec![
        raw("HTTP/1.1", plain()),
        over("HTTP/1.1, TLS 1.3", tls(), Protocol::Http1, true, None),
        over("HTTP/2, TLS 1.3", tls(), Protocol::Http2, true, None),
    ];
    table(programs, "connections that stay open", rows, &["HTTP/1.1"]).await;

    let server = plain();
    let request = calls::get_time(Revision::V2025, Some(server.valid()[0]));
    let work = Work::Raw(Load { each: true, ..load(&server, vec![request], 200) });
    let (full, resumed) = (HandshakeKind::Full, HandshakeKind::Resumed);
    let rows = vec![
        Row::of("no TLS", server, work),
        over("TLS 1.3, resumed", tls(), Protocol::Http1, true, Some(resumed)),
        over("TLS 1.3, in full", tls(), Protocol::Http1, false, Some(full)),
    ];
    table(programs, "a connection for each call, HTTP/1.1", rows, &["no TLS"]).await;
}

fn make_certificate(folder: &Path) {
    let made = Command::new("openssl")
        .current_dir(folder)
        .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(' '))
        .args(["-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "cert.pem"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .stderr(Stdio::null())
        .status();
    assert!(made.unwrap().success(), "openssl made no certificate");
}
