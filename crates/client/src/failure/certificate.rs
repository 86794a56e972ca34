//! Certificates: the server's that is refused, ours that is refused, and the one that a token is
//! bound to (RFC 8705 §3).

use outbound::{ConnectFault, RefusedCertificate};

use super::{Context, PresentedCertificate};
use crate::{jwt::Binding, tls};

/// How to name a client certificate.
const NAME_ONE: &str = "--client-cert FILE and --client-key FILE (or \
     MCP_CLIENT_CERTIFICATE_FILE and MCP_CLIENT_KEY_FILE) name the PEM files of one";

/// What to do about the certificate of the server. `None` for another fault.
pub(super) fn server_hint(fault: ConnectFault, context: &Context) -> Option<String> {
    let host = context.endpoint.host();
    Some(match fault {
        ConnectFault::UnknownAuthority => tls::UNKNOWN_AUTHORITY.to_owned(),
        ConnectFault::WrongName => format!(
            "use a URL with a name that the certificate is for; or those who run the server need \
             one for {host}"
        ),
        ConnectFault::Expired => {
            "those who run the server have to renew it; or is the clock of this machine wrong?"
                .to_owned()
        }
        ConnectFault::NotYetValid => {
            "is the clock of this machine right? If it is, those who run the server have to \
             replace the certificate"
                .to_owned()
        }
        ConnectFault::Certificate => {
            "those who run the server have to replace its certificate".to_owned()
        }
        ConnectFault::NotTls | ConnectFault::Timeout | ConnectFault::Other => return None,
    })
}

/// Why the server refuses ours, and what to do.
pub(super) fn refused(
    fault: RefusedCertificate,
    context: &Context,
) -> (RefusedCertificate, String) {
    let Some(PresentedCertificate { file, .. }) = &context.certificate else {
        // Some servers send another alert for no certificate than the one for that.
        let hint = format!("{NAME_ONE}; those who run the server say which it takes");
        return (RefusedCertificate::Required, hint);
    };
    let ask = "ask those who run the server for";
    let hint = match fault {
        RefusedCertificate::Expired => {
            format!(
                "{ask} a new certificate in the place of {file}; is this machine's clock right?"
            )
        }
        RefusedCertificate::Revoked => {
            format!("{ask} a new certificate in the place of {file}")
        }
        RefusedCertificate::UnknownAuthority => format!(
            "{ask} a certificate that it takes; {file} needs those of the authorities between it \
             and the root, too"
        ),
        RefusedCertificate::Required | RefusedCertificate::Other => {
            format!("the server's log has the reason; {ask} a certificate that it takes")
        }
    };
    (fault, hint)
}

/// What may be the reason where a connection broke.
pub(super) fn broken_hint(context: &Context) -> Option<String> {
    let own = context.certificate.as_ref().filter(|_| context.endpoint.is_https())?;
    Some(format!(
        "does the server refuse the client certificate {}? Its log has the reason",
        own.file
    ))
}

/// What a refused token is bound to and was sent without.
pub(super) fn binding_hint(context: &Context) -> Option<String> {
    let bound = match context.binding.as_ref()? {
        Binding::Certificate(thumbprint) => thumbprint,
        Binding::Other => {
            return Some(
                "the token is bound to a key (cnf), and this client sends no proof of it: ask for \
                 one without"
                    .to_owned(),
            );
        }
    };
    let is_bound = format!("the token is bound to the client certificate with x5t#S256 {bound}");
    match &context.certificate {
        _ if !context.endpoint.is_https() => {
            Some(format!("{is_bound}, which is presented over https alone: use an https URL"))
        }
        None => Some(format!("{is_bound}, and none was presented: {NAME_ONE}")),
        Some(own) if own.thumbprint != *bound => Some(format!(
            "{is_bound}, and {} is another one ({}): name the right one",
            own.file, own.thumbprint
        )),
        Some(own) => Some(format!(
            "the token is bound to the client certificate {}: does the server ask clients for one \
             (its client_ca_file)? If it does, is the token revoked, or of another issuer?",
            own.file
        )),
    }
}
