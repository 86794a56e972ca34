//! What a client says about itself: a registration, and a metadata document.

use auth_core::oauth::{
    AuthMethod, ClientMetadata, GrantType, MetadataUrl, parse_document, parse_registration,
};
use serde_json::Value;

use super::oauth_request::assert_can_be_shown;

const DOCUMENT: &str = "https://client.example/client.json";

/// The bytes as a registration and as a document. Metadata that is accepted is within its bounds,
/// and reads back as it was written.
pub fn oauth_client(data: &[u8]) -> bool {
    let supported = GrantType::ALL.into();
    let url: MetadataUrl = DOCUMENT.parse().unwrap();
    let document = parse_document(&url, data, &supported);
    if let Ok(metadata) = &document {
        assert!(!metadata.auth_method().has_secret());
        assert_is_bounded(metadata);
    }
    match parse_registration(data, &supported) {
        Ok(metadata) => {
            assert_is_bounded(&metadata);
            let written = serde_json::to_vec(&metadata).unwrap();
            // Escapes may make it longer than a registration may be.
            if written.len() <= data.len() {
                let again = parse_registration(&written, &supported).expect("our own metadata");
                assert_eq!(again, metadata);
            }
            true
        }
        Err(error) => {
            assert_can_be_shown(&error);
            document.is_ok()
        }
    }
}

fn assert_is_bounded(metadata: &ClientMetadata) {
    assert!(metadata.redirect_uris().len() <= 16);
    let grants = metadata.grant_types();
    assert!(grants.iter().any(|grant| *grant != GrantType::RefreshToken));
    assert!(
        !grants.contains(&GrantType::AuthorizationCode) || !metadata.redirect_uris().is_empty()
    );
    let is_public = metadata.auth_method() == AuthMethod::None;
    assert!(!is_public || !grants.iter().any(|grant| grant.needs_credential()));
    assert_eq!(metadata.auth_method() == AuthMethod::PrivateKeyJwt, metadata.keys().is_some());
    for uri in metadata.redirect_uris() {
        let uri = uri.as_str();
        assert!(!uri.contains(['#', ' ', '\\', '<', '"']) && uri.is_ascii(), "{uri}");
        let is_web = uri.starts_with("https://") || uri.starts_with("http://");
        assert!(
            is_web
                || uri
                    .split(':')
                    .next()
                    .is_some_and(|scheme| scheme.contains('.') || scheme.len() > 1),
            "{uri}"
        );
        for scheme in ["javascript:", "data:", "file:", "vbscript:", "blob:"] {
            assert!(!uri.to_ascii_lowercase().starts_with(scheme), "{uri}");
        }
    }
    let json: Value = serde_json::to_value(metadata).unwrap();
    assert!(json.get("client_secret").is_none());
}
