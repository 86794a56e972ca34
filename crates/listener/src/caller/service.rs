//! Each request gets the address that it comes from.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use axum::http::Request;
use tower::Service;

use super::derive::{Derived, Notice, derive};
use crate::{
    program::{CertificateThumbprint, Program},
    trusted_proxies::TrustedProxies,
};

/// A service whose requests all come over one connection. Each gets two extensions: the address
/// that it comes from, and the certificate of the client.
#[derive(Debug, Clone)]
pub(crate) struct CallerAddress<S> {
    pub(crate) inner: S,
    pub(crate) peer: IpAddr,
    pub(crate) proxies: TrustedProxies,
    pub(crate) program: Program,
    pub(crate) reports: Reports,
    /// The certificate that the client presented on this connection.
    pub(crate) certificate: Option<CertificateThumbprint>,
}

/// What has been logged. Clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports(Arc<AtomicU8>);

impl Reports {
    /// Logs `notice` of `peer`, unless one of its kind has been logged.
    fn report(&self, peer: IpAddr, notice: Notice) {
        let bit = match notice {
            Notice::Ignored => 1,
            Notice::Unnamed(error) => 2 << error as u8,
        };
        if self.0.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        match notice {
            Notice::Ignored => tracing::warn!(
                %peer,
                "Forwarding headers are ignored: if this is your proxy, name it in TRUSTED_PROXIES"
            ),
            Notice::Unnamed(error) => tracing::warn!(
                proxy = %peer, %error,
                "A trusted proxy sent no usable client address, so its own is used: let it set X-Forwarded-For"
            ),
        }
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for CallerAddress<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let Derived { address, notice } = derive(self.peer, request.headers(), &self.proxies);
        // A proxy's own health checks come from itself.
        if let Some(notice) = notice
            && !(self.program.is_health_check)(request.uri().path())
        {
            self.reports.report(self.peer, notice);
        }
        (self.program.note_address)(request.extensions_mut(), address);
        if let Some(certificate) = self.certificate {
            (self.program.note_certificate)(request.extensions_mut(), certificate);
        }
        self.inner.call(request)
    }
}
