//! What clients get.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use reqwest::Version;

use crate::world::{World, call, ended};

#[tokio::test]
async fn callers_are_served_by_both_versions_of_http() {
    let world = World::new();
    let server = world.start(&[]);
    assert!(server.line.starts_with("MCP server on https://127.0.0.1:"), "{}", server.line);
    let token = world.token();
    for (client, version) in [
        (world.client().http1_only(), Version::HTTP_11),
        (world.client().http2_prior_knowledge(), Version::HTTP_2),
        (world.client(), Version::HTTP_2),
    ] {
        let client = client.build().unwrap();
        let ready = client.get(server.url("/readyz")).send().await.unwrap();
        assert_eq!((ready.status().as_u16(), ready.version()), (200, version));
        let answer = call(&client, &server.url("/mcp"), &token).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version));
        assert!(answer.text().await.unwrap().contains("result"));
        let refused = call(&client, &server.url("/mcp"), "x").send().await.unwrap();
        assert_eq!(refused.status().as_u16(), 401);
    }
    server.signal("-TERM");
    server.ends();
}

#[tokio::test]
async fn a_host_of_others_is_refused_by_both_versions_of_http() {
    let world = World::new();
    world.renew("evil.example", |_| {});
    let server = world.start(&[]);
    server.logs("its certificate is for other names").await;
    let careless = world.client().tls_danger_accept_invalid_certs(true).build().unwrap();
    let ready = careless.get(server.url("/readyz")).send().await.unwrap().text().await.unwrap();
    let said = "the TLS certificate is for other names than localhost (callers are served)";
    assert!(ready.contains(said), "{ready}");
    let url = server.url("/mcp").replace("localhost", "evil.example");
    let port: u16 = url.split([':', '/']).nth(4).unwrap().parse().unwrap();
    for client in [world.client().http1_only(), world.client().http2_prior_knowledge()] {
        let client = client.resolve("evil.example", ([127, 0, 0, 1], port).into());
        let client = client.build().unwrap();
        let answer = call(&client, &url, &world.token()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 403);
    }
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_used_on_and_said() {
    let world = World::new();
    world.renew("localhost", ended);
    let said = world.checked();
    assert!(said.contains("warning: the TLS certificate ended at 2020-01-01T00:00:00Z"), "{said}");
    let server = world.start(&[]);
    server.logs("Clients will refuse this server: the TLS certificate ended at 2020-01-01").await;
    let client = world.client().build().unwrap();
    assert!(client.get(server.url("/readyz")).send().await.is_err());
    let careless = world.client().tls_danger_accept_invalid_certs(true).build().unwrap();
    let ready = careless.get(server.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 200);
    let text = ready.text().await.unwrap();
    let said = "the TLS certificate ended at 2020-01-01T00:00:00Z (callers are served)";
    assert!(text.contains(said), "{text}");
}

#[test]
fn a_check_of_the_configuration_says_that_a_certificate_is_for_other_names() {
    let world = World::new();
    assert!(!world.checked().contains("warning"), "{}", world.checked());
    world.renew("other.example", |_| {});
    let said = world.checked();
    assert!(
        said.contains("warning: the TLS certificate is for other names than localhost"),
        "{said}"
    );
}

#[test]
fn a_server_without_a_usable_certificate_does_not_start_and_says_why() {
    let world = World::new();
    let begin = |certificate: &str, key: &str| {
        let mut command = world.command(&[]);
        command.env("MCP_RESOURCE", crate::world::RESOURCE);
        command.env("TLS_CERTIFICATE_FILE", certificate).env("TLS_KEY_FILE", key);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let old = std::fs::read_to_string(world.path("key.pem")).unwrap();
    world.renew("localhost", |_| {});
    world.put("old.pem", &old);
    for (certificate, key, said) in [
        ("cert.pem", "old.pem", "cert.pem: the private key is not that of the first certificate"),
        ("cert.pem", "none.pem", "none.pem: No such file"),
        ("key.pem", "key.pem", "key.pem: there is no certificate in this file"),
        ("cert.pem", "cert.pem", "cert.pem: there is no private key in this file"),
        ("cert.pem", "", "TLS_KEY_FILE is not: set both"),
    ] {
        let text = begin(certificate, key);
        assert!(text.contains(said), "{said}: {text}");
        assert!(!text.contains("PRIVATE"), "{text}");
    }
}

#[tokio::test]
async fn the_metrics_say_for_how_long_the_certificate_is_valid() {
    let world = World::new();
    let socket = world.path("admin.sock");
    let admin = format!("unix:{}", socket.display());
    let server = world.start(&[("ADMIN_BIND", &admin)]);
    let ready = world.client().build().unwrap().get(server.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 200);
    let mut asked = UnixStream::connect(&socket).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    asked.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    asked.read_to_string(&mut text).unwrap();
    let sample = |name: &str| -> f64 {
        let line = text.lines().find_map(|it| it.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{text}")).trim().parse().unwrap()
    };
    let left = sample("bartizan_tls_certificate_left_seconds ");
    let lifetime = sample("bartizan_tls_certificate_lifetime_seconds ");
    assert!(left > 24.0 * 3600.0 && lifetime > left, "{left} of {lifetime}");
}
