//! Certificates that clients present (RFC 8705 §2).

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use listener::{CertificateThumbprint, Limits};
use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::{ClientConfig, pki_types::UnixTime};

use crate::world::{Authority, PATIENCE, World, http1, http2, read, request1, request2};

/// What a request over a connection with this configuration gets; `None` if the connection is
/// refused, which a client of TLS 1.3 learns after its own part of the handshake.
async fn ask(world: &World, config: ClientConfig) -> Option<String> {
    let asking = async {
        let mut client = http1(world.connect(config).await.ok()?).await;
        let response = client.send_request(request1("/from")).await.ok()?;
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap();
        Some(String::from_utf8(body.to_bytes().to_vec()).unwrap())
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap()
}

#[tokio::test]
async fn a_client_without_a_certificate_is_served_and_one_with_a_certificate_is_known_by_it() {
    let clients = Authority::new();
    let world = World::with_clients_of(Some(clients.clients()), Limits::default()).await;
    assert_eq!(ask(&world, world.client(&[])).await.unwrap(), "nobody");
    let (_, key, der) = clients.signed();
    let thumbprint: [u8; 32] = digest(&SHA256, &der).as_ref().try_into().unwrap();
    let expected = format!("{:?}", CertificateThumbprint(thumbprint).0);
    let config = world.client_with(&["http/1.1"], Some((der.clone(), &key)));
    assert_eq!(ask(&world, config).await.unwrap(), expected);
    let stream = world.connect(world.client_with(&["h2"], Some((der, &key)))).await.unwrap();
    let mut client = http2(stream).await;
    for _ in 0..2 {
        assert_eq!(read(client.send_request(request2("/from"))).await, (200, expected.clone()));
    }
}

#[tokio::test]
async fn a_client_with_a_certificate_that_is_not_valid_is_refused_by_the_handshake() {
    let clients = Authority::new();
    let world = World::with_clients_of(Some(clients.clients()), Limits::default()).await;
    let of_another = Authority::new().signed();
    let expired = clients.signed_with(|params| params.not_after = date_time_ymd(2020, 1, 1));
    let early = clients.signed_with(|params| params.not_before = date_time_ymd(2090, 1, 1));
    let of_a_server = clients.signed_with(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let (_, own_key, _) = clients.signed();
    let (_, _, stolen) = clients.signed();
    let stolen = (String::new(), own_key, stolen);
    for (name, (_, key, der)) in [
        ("of another authority", of_another),
        ("expired", expired),
        ("not yet valid", early),
        ("of a server", of_a_server),
        ("of another key", stolen),
    ] {
        let own = rustls::sign::CertifiedKey::new(
            vec![der],
            rustls::crypto::aws_lc_rs::sign::any_supported_type(
                &rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap(),
        );
        let mut config = world.client(&["http/1.1"]);
        config.client_auth_cert_resolver =
            std::sync::Arc::new(rustls::sign::SingleCertAndKey::from(own));
        assert_eq!(ask(&world, config).await, None, "{name}");
    }
    crate::world::until(|| world.connections.failed_handshakes() == 5).await;
}

#[tokio::test]
async fn where_none_are_accepted_a_certificate_is_not_asked_for() {
    let world = World::new(Limits::default()).await;
    let (_, key, der) = Authority::new().signed();
    let config = world.client_with(&["http/1.1"], Some((der, &key)));
    assert_eq!(ask(&world, config).await.unwrap(), "nobody");
}

#[tokio::test]
async fn a_session_is_not_resumed_once_the_certificate_that_it_began_with_has_ended() {
    let clients = Authority::new();
    let world = World::with_clients_of(Some(clients.clients()), Limits::default()).await;
    let last = Duration::from_secs(UnixTime::now().as_secs() + 3);
    let (_, key, der) = clients.signed_with(|params| {
        params.not_after = date_time_ymd(1970, 1, 1) + last;
    });
    let versions = [&rustls::version::TLS12, &rustls::version::TLS13];
    let configs = versions
        .map(|version| world.client_of(&["http/1.1"], Some((der.clone(), &key)), &[version]));
    for config in &configs {
        assert!(ask(&world, config.clone()).await.is_some());
    }
    while UnixTime::now().as_secs() <= last.as_secs() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (config, version) in configs.into_iter().zip(versions) {
        assert_eq!(ask(&world, config).await, None, "{version:?}");
    }
}
