//! Requests to the authority, by the outbound client.

use std::pin::Pin;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use outbound::{AddressPolicy, CertificateAuthorities, OutboundClient, OutboundError};

/// The outbound client, as the library asks it.
pub(super) struct Client(OutboundClient);

impl Client {
    /// The operator names the directory, and the directory names the rest.
    pub(super) fn new(authorities: CertificateAuthorities) -> Result<Self, OutboundError> {
        let policy = AddressPolicy::named_by_operator();
        Ok(Self(OutboundClient::builder(policy).authorities(authorities).build()?))
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let request = Request::from_parts(parts, body.to_bytes().to_vec());
            let request = outbound::Request::from_http(request)
                .map_err(|error| Error::Other(Box::new(error)))?;
            let answer =
                client.send(request).await.map_err(|error| Error::Other(Box::new(error)))?;
            let mut response = http::Response::new(Full::new(Bytes::from(answer.body)));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response.into())
        })
    }
}
