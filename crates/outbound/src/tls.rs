//! What the TLS library reports, in the words of this crate.

use rustls::{AlertDescription, CertificateError, Error, pki_types::UnixTime};

/// The most names of a certificate that are shown.
const MAX_NAMES: usize = 5;

/// Why the other side does not take our certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RefusedCertificate {
    /// It wants one, and none was presented.
    #[error("it wants a client certificate, and none was presented")]
    Required,
    /// It is not valid any more, or not yet.
    #[error("it refuses the client certificate, which has ended or is not valid yet")]
    Expired,
    /// Its authority has revoked it.
    #[error("it refuses the client certificate, which is revoked")]
    Revoked,
    /// Its authority is not trusted.
    #[error("it refuses the client certificate, whose authority it does not trust")]
    UnknownAuthority,
    /// Another reason.
    #[error("it refuses the client certificate")]
    Other,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFault {
    /// The certificate's authority is not trusted.
    UnknownAuthority,
    /// The certificate is for other names than the one that was asked for.
    WrongName,
    /// The certificate has ended.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is not valid for another reason.
    Certificate,
    /// The other side does not speak TLS.
    NotTls,
    /// The handshakes take too long.
    Timeout,
    /// Anything else: no such name, connection refused.
    Other,
}

/// Whether the other side refuses our certificate, and why (RFC 8446 §6.2).
pub(crate) fn refused_certificate(error: &Error) -> Option<RefusedCertificate> {
    let Error::AlertReceived(alert) = error else {
        return None;
    };
    Some(match alert {
        AlertDescription::CertificateRequired => RefusedCertificate::Required,
        AlertDescription::CertificateExpired => RefusedCertificate::Expired,
        AlertDescription::CertificateRevoked => RefusedCertificate::Revoked,
        AlertDescription::UnknownCA => RefusedCertificate::UnknownAuthority,
        AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => RefusedCertificate::Other,
        _ => return None,
    })
}

/// What is wrong with the certificate of the other side, and the words for it. The names in it are
/// text from outside.
pub(crate) fn certificate_fault(error: &Error) -> Option<(ConnectFault, String)> {
    let Error::InvalidCertificate(error) = error else {
        return None;
    };
    Some(match error {
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().take(MAX_NAMES).map(|it| plain(it)).collect();
            let names = match (names.is_empty(), presented.len() > MAX_NAMES) {
                (true, _) => "no name at all".to_owned(),
                (false, false) => names.join(", "),
                (false, true) => format!("{} and others", names.join(", ")),
            };
            let expected = expected.to_str();
            (ConnectFault::WrongName, format!("its certificate is for {names}, not for {expected}"))
        }
        CertificateError::NotValidForName => {
            (ConnectFault::WrongName, "its certificate is for another name".to_owned())
        }
        CertificateError::ExpiredContext { time, not_after } => {
            let ago = duration(*not_after, *time);
            (ConnectFault::Expired, format!("its certificate ended {ago} ago"))
        }
        CertificateError::Expired => {
            (ConnectFault::Expired, "its certificate has ended".to_owned())
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let time = duration(*time, *not_before);
            (ConnectFault::NotYetValid, format!("its certificate is not valid for another {time}"))
        }
        CertificateError::NotValidYet => {
            (ConnectFault::NotYetValid, "its certificate is not valid yet".to_owned())
        }
        _ => return None,
    })
}

/// The name in the library's `DnsName("mcp.example")`.
fn plain(name: &str) -> &str {
    let quoted = name.split_once('(').map_or(name, |(_kind, rest)| rest);
    quoted.trim_end_matches(')').trim_matches('"')
}

/// The time between two moments, in its largest unit.
fn duration(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn fault(error: CertificateError) -> (ConnectFault, String) {
        certificate_fault(&Error::InvalidCertificate(error)).unwrap()
    }

    #[test]
    fn a_certificate_that_is_not_valid_now_says_for_how_long() {
        let ended = |time| CertificateError::ExpiredContext { time: at(time), not_after: at(100) };
        for (time, expected) in [
            (101, "1 second"),
            (159, "59 seconds"),
            (160, "1 minute"),
            (3_700, "1 hour"),
            (86_400 * 2 + 100, "2 days"),
        ] {
            let words = format!("its certificate ended {expected} ago");
            assert_eq!(fault(ended(time)), (ConnectFault::Expired, words));
        }
        let early = CertificateError::NotValidYetContext { time: at(0), not_before: at(120) };
        let words = "its certificate is not valid for another 2 minutes".to_owned();
        assert_eq!(fault(early), (ConnectFault::NotYetValid, words));
    }

    #[test]
    fn a_certificate_of_another_name_says_for_which_it_is() {
        let of = |count: usize| CertificateError::NotValidForNameContext {
            expected: "mcp.example".try_into().unwrap(),
            presented: (0..count).map(|at| format!("DnsName(\"{at}.example\")")).collect(),
        };
        for (count, names) in [
            (0, "no name at all"),
            (1, "0.example"),
            (5, "0.example, 1.example, 2.example, 3.example, 4.example"),
            (6, "0.example, 1.example, 2.example, 3.example, 4.example and others"),
        ] {
            let words = format!("its certificate is for {names}, not for mcp.example");
            assert_eq!(fault(of(count)), (ConnectFault::WrongName, words));
        }
        assert_eq!(plain("IpAddress(127.0.0.1)"), "127.0.0.1");
    }

    #[test]
    fn alerts_about_our_certificate_are_told_from_others() {
        let refused = |alert| refused_certificate(&Error::AlertReceived(alert));
        for (alert, expected) in [
            (AlertDescription::CertificateRequired, Some(RefusedCertificate::Required)),
            (AlertDescription::CertificateExpired, Some(RefusedCertificate::Expired)),
            (AlertDescription::CertificateRevoked, Some(RefusedCertificate::Revoked)),
            (AlertDescription::UnknownCA, Some(RefusedCertificate::UnknownAuthority)),
            (AlertDescription::BadCertificate, Some(RefusedCertificate::Other)),
            (AlertDescription::HandshakeFailure, None),
            (AlertDescription::InternalError, None),
        ] {
            assert_eq!(refused(alert), expected, "{alert:?}");
        }
        assert_eq!(refused_certificate(&Error::DecryptError), None);
    }
}
