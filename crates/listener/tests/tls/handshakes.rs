//! What becomes of handshakes: good ones, slow ones and failed ones.

use std::time::Duration;

use listener::{ChallengeCertificate, Limits, PerAddress};
use rcgen::CustomExtension;
use rustls::pki_types::PrivateKeyDer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Authority, PATIENCE, World, http1, read, request1, request2};

/// The beginning of a `ClientHello`, of which most is missing.
const HALF_A_HELLO: [u8; 9] = [22, 3, 1, 2, 0, 1, 0, 1, 252];

/// What comes until the connection ends.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // It may be closed by a reset.
    let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    bytes
}

#[tokio::test]
async fn the_protocol_is_negotiated_and_without_negotiation_it_is_http_1_1() {
    let world = World::new(Limits::default()).await;
    let answer = read(world.http1().await.send_request(request1("/host"))).await;
    assert_eq!(answer, (200, "/host Some(\"localhost\")".into()));
    let answer = read(world.http2().await.send_request(request2("/host"))).await;
    assert_eq!(answer, (200, "/host Some(\"localhost\")".into()), "as in HTTP/1.1");
    let stream = world.connect(world.client(&[])).await.unwrap();
    let answer = read(http1(stream).await.send_request(request1("/"))).await;
    assert_eq!(answer, (200, "hello".into()));
    assert!(world.connect(world.client(&["h3"])).await.is_err());
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let limits = Limits { handshake_timeout: Duration::from_millis(50), ..Limits::default() };
    let world = World::new(limits).await;
    for sent in [&b""[..], &HALF_A_HELLO] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        assert_eq!(rest(&mut stream).await, b"");
    }
}

#[tokio::test]
async fn in_the_reserve_a_handshake_has_the_short_time() {
    let limits = Limits {
        connections: 1,
        handshake_timeout: Duration::from_hours(1),
        head_timeout: Duration::from_hours(1),
        reserve_timeout: Duration::from_millis(50),
        ..Limits::default()
    };
    let world = World::new(limits).await;
    let _held = TcpStream::connect(world.address).await.unwrap();
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn what_is_no_handshake_is_refused_and_the_server_goes_on() {
    let world = World::new(Limits::default()).await;
    let mut plain = TcpStream::connect(world.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let answer = rest(&mut plain).await;
    assert!(!answer.starts_with(b"HTTP"), "an alert, and no answer: {answer:?}");
    let answer = read(world.http1().await.send_request(request1("/"))).await;
    assert_eq!(answer.0, 200);
}

#[tokio::test]
async fn handshakes_are_counted_and_while_slow_ones_hold_all_connections_health_is_answered() {
    let limits = Limits { connections: 2, per_address: PerAddress::Every(2), ..Limits::default() };
    let world = World::new(limits).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(&HALF_A_HELLO).await.unwrap();
        held.push(stream);
    }
    crate::world::until(|| world.connections.open() == 2).await;
    // A client that would speak HTTP/2 as well.
    for (path, status) in [("/healthz", 200), ("/", 503)] {
        let stream = world.connect(world.client(&["h2", "http/1.1"])).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        assert_eq!(read(http1(stream).await.send_request(request1(path))).await.0, status);
    }
    drop(held);
    crate::world::until(|| world.connections.open() == 0).await;
    assert_eq!(read(world.http1().await.send_request(request1("/"))).await.0, 200);
}

#[tokio::test]
async fn slow_handshakes_give_their_connections_back() {
    let limits = Limits {
        connections: 4,
        reserve: 0,
        handshake_timeout: Duration::from_millis(100),
        ..Limits::default()
    };
    let world = World::new(limits).await;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(&HALF_A_HELLO).await.unwrap();
        slow.push(stream);
    }
    assert_eq!(read(world.http2().await.send_request(request2("/"))).await.0, 200);
}

#[tokio::test]
async fn a_handshake_under_way_is_not_waited_for_at_the_stop() {
    let world = World::new(Limits { grace: PATIENCE, ..Limits::default() }).await;
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(&HALF_A_HELLO).await.unwrap();
    crate::world::until(|| world.connections.open() == 1).await;
    world.stop.cancel();
    world.serving.await.unwrap();
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn a_challenge_is_answered_by_its_own_certificate_and_by_nothing_but_a_handshake() {
    let world = World::new(Limits::default()).await;
    assert!(world.connect(world.client(&["acme-tls/1"])).await.is_err(), "there is none");
    let challenge = Authority::new();
    let (_, key, der) = challenge.signed_with(|params| {
        params.custom_extensions = vec![CustomExtension::new_acme_identifier(&[7; 32])];
    });
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let challenge = ChallengeCertificate::new(der.clone(), key).unwrap();
    world.tls.answer_challenge(Some(&challenge)).unwrap();
    // The client does not trust it, and an authority need not either.
    assert!(world.connect(world.client(&["acme-tls/1"])).await.is_err());
    let mut config = world.client(&["acme-tls/1"]);
    config.dangerous().set_certificate_verifier(std::sync::Arc::new(Expected(der)));
    let mut stream = world.connect(config).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    assert_eq!(bytes, b"");
    // Beside other protocols it is none.
    assert!(world.connect(world.client(&["http/1.1", "acme-tls/1"])).await.is_ok());
    world.tls.answer_challenge(None).unwrap();
    assert!(world.connect(world.client(&["acme-tls/1"])).await.is_err());
}

/// Accepts one certificate, whatever authority signed it.
#[derive(Debug)]
struct Expected(rustls::pki_types::CertificateDer<'static>);

impl rustls::client::danger::ServerCertVerifier for Expected {
    fn verify_server_cert(
        &self,
        end_entity: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        if *end_entity == self.0 {
            return Ok(rustls::client::danger::ServerCertVerified::assertion());
        }
        Err(rustls::Error::General("another certificate".into()))
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        self.verify_tls12_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::aws_lc_rs::default_provider()
            .signature_verification_algorithms
            .supported_schemes()
    }
}
