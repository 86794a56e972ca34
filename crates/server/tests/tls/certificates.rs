//! Tokens that are bound to the certificate of their client.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, SerialNumber};
use serde_json::{Value, json};

use crate::world::{World, call};

#[tokio::test]
async fn a_bound_token_is_accepted_over_a_connection_with_its_certificate_alone() {
    let (world, clients, others) = (World::new(), World::new(), World::new());
    world.put("clients.pem", &clients.authority);
    let server = world.start(&[("TLS_CLIENT_CA_FILE", "clients.pem")]);
    let own = clients.signed("client", |_: &mut CertificateParams| {});
    let another = clients.signed("client", |_: &mut CertificateParams| {});
    let stranger = others.signed("client", |_: &mut CertificateParams| {});
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, &own.der));
    let bound = world.token_with("cnf", json!({ "x5t#S256": thumbprint }));
    let url = server.url("/mcp");
    let with = |certificate: Option<&str>| {
        let client = world.client();
        let identity = certificate.map(|pem| reqwest::Identity::from_pem(pem.as_bytes()).unwrap());
        match identity {
            Some(identity) => client.identity(identity).build().unwrap(),
            None => client.build().unwrap(),
        }
    };
    for round in 0..2 {
        for (certificate, token, expected) in [
            (Some(&own.pem), &bound, 200),
            (Some(&another.pem), &bound, 401),
            (None, &bound, 401),
            (Some(&another.pem), &world.token(), 200),
            (None, &world.token(), 200),
        ] {
            let client = with(certificate.map(String::as_str));
            let answer = call(&client, &url, token).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), expected, "{round} {certificate:?}");
        }
    }
    let refused = call(&with(Some(&stranger.pem)), &url, &bound).send().await;
    assert!(refused.is_err(), "refused by the handshake: {refused:?}");
    assert!(server.log().contains("bound to another client certificate"), "{}", server.log());

    let path = "/.well-known/oauth-protected-resource/mcp";
    let metadata = with(None).get(server.url(path)).send().await.unwrap().text().await.unwrap();
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
}

#[tokio::test]
async fn authorities_of_clients_are_read_again() {
    let (world, clients, others) = (World::new(), World::new(), World::new());
    world.put("clients.pem", &clients.authority);
    let server = world.start(&[("TLS_CLIENT_CA_FILE", "clients.pem")]);
    let own = clients.signed("client", |_: &mut CertificateParams| {});
    let ask = async || {
        let identity = reqwest::Identity::from_pem(own.pem.as_bytes()).unwrap();
        let client = world.client().identity(identity).build().unwrap();
        client.get(server.url("/healthz")).send().await.is_ok()
    };
    assert!(ask().await);
    world.put("clients.pem", "nothing");
    server.logs("clients.pem: there is no certificate in this file").await;
    assert!(ask().await, "the old ones stay");
    world.put("clients.pem", &others.authority);
    server.logs("Read again, and in force: the TLS certificate").await;
    assert!(!ask().await);
}

#[tokio::test]
async fn a_certificate_that_its_authority_has_revoked_is_refused() {
    let (world, clients) = (World::new(), World::new());
    world.put("clients.pem", &clients.authority);
    let server = world.start(&[("TLS_CLIENT_CA_FILE", "clients.pem")]);
    let numbered = |serial: u64| {
        let number = |params: &mut CertificateParams| {
            params.serial_number = Some(SerialNumber::from(serial));
        };
        clients.signed("client", number)
    };
    let (kept, revoked) = (numbered(7), numbered(8));
    let ask = async |pem: &str| {
        let identity = reqwest::Identity::from_pem(pem.as_bytes()).unwrap();
        let client = world.client().identity(identity).build().unwrap();
        client.get(server.url("/healthz")).send().await.is_ok()
    };
    assert!(ask(&revoked.pem).await, "there is no list");
    let with = |list: &str| world.put("clients.pem", &format!("{}{list}", clients.authority));
    // One that is out of date counts on.
    with(&clients.revoked(&[8], 2021));
    server.logs("Read again, and in force: the TLS certificate").await;
    assert!(!ask(&revoked.pem).await);
    assert!(ask(&kept.pem).await);
    with("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
    server.logs("clients.pem: a revocation list of the file cannot be used").await;
    assert!(!ask(&revoked.pem).await, "the list before it stays in force");
    with(&clients.revoked(&[7], 4000));
    let again = async || while !ask(&revoked.pem).await {};
    tokio::time::timeout(std::time::Duration::from_secs(20), again()).await.unwrap();
    assert!(!ask(&kept.pem).await);
}
