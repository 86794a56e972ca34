//! Tokens that are bound to client certificates, at the guard.

use auth_core::CertificateThumbprint;
use bartizan::ClientCertificate;
use tower::ServiceExt;

use super::*;

const OWN: CertificateThumbprint = CertificateThumbprint::from_bytes([7; 32]);
const OTHER: CertificateThumbprint = CertificateThumbprint::from_bytes([8; 32]);

fn bound() -> String {
    let key = TestKey::shared(Algorithm::Hs256);
    let confirmation = json!({ "x5t#S256": OWN.to_string() });
    Forge::valid(key).claim("scope", "A").claim("cnf", confirmation).sign(key)
}

#[tokio::test]
async fn a_bound_token_passes_with_its_certificate_and_not_from_the_cache_without_it() {
    let authenticator = Arc::new(authenticator());
    let shared = Arc::clone(&authenticator);
    let guard = Guard::new(RESOURCE.parse().unwrap(), policy(), [], shared).unwrap();
    let inner = tower::service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let guarded = guard.protect(inner);
    let send = async |certificate: Option<CertificateThumbprint>, token: &str| {
        let mut request = Request::post("/mcp")
            .header("host", "localhost")
            // A caller may write what it likes.
            .header("client-cert", OWN.to_string())
            .header("authorization", format!("Bearer {token}"));
        if let Some(certificate) = certificate {
            request = request.extension(ClientCertificate(certificate));
        }
        let request = request.body(Full::<Bytes>::from(call("a"))).unwrap();
        let response = guarded.clone().oneshot(request).await.unwrap();
        let challenge = response.headers().get(header::WWW_AUTHENTICATE).cloned();
        (response.status().as_u16(), challenge)
    };
    let bound = bound();
    for (certificate, expected) in
        [(None, 401), (Some(OWN), 200), (None, 401), (Some(OTHER), 401), (Some(OWN), 200)]
    {
        let (status, challenge) = send(certificate, &bound).await;
        assert_eq!(status, expected, "{certificate:?}");
        let challenge = challenge.map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default();
        assert_eq!(challenge.contains("error=\"invalid_token\""), expected == 401, "{challenge}");
    }
    assert!(authenticator.token_cache_use().hits >= 3, "it was in the cache");
    assert_eq!(send(Some(OTHER), &token("A")).await.0, 200, "a bearer token");
}

#[tokio::test]
async fn the_metadata_says_so_where_client_certificates_are_accepted() {
    let metadata = async |guard: Guard<Authenticator>| {
        let request = Request::get("/").body(Full::<Bytes>::default()).unwrap();
        let body = guard.metadata().oneshot(request).await.unwrap().into_body();
        let bytes = body.collect().await.unwrap().to_bytes();
        let metadata: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        metadata["tls_client_certificate_bound_access_tokens"].clone()
    };
    assert_eq!(metadata(guard()).await, json!(null));
    assert_eq!(metadata(guard().client_certificates()).await, json!(true));
}
