//! Which classes of addresses may be asked.

use super::{Address, AddressClass, AddressError};

/// Which classes of addresses may be asked. Public ones always may, reserved ones never.
///
/// ```
/// use outbound::{Address, AddressError, AddressPolicy};
/// let internal: Address = "https://10.0.0.1/".parse().unwrap();
/// let refused = AddressPolicy::public_only().check(&internal);
/// assert_eq!(refused, Err(AddressError::Private));
/// assert!(AddressPolicy::named_by_operator().check(&internal).is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPolicy {
    private: bool,
    loopback: bool,
    link_local: bool,
    /// A host that a person named: it may have any address that a server can have.
    host: Option<String>,
}

impl AddressPolicy {
    /// Public addresses only: for what an unauthenticated party names, such as a client's metadata
    /// document.
    #[must_use]
    pub const fn public_only() -> Self {
        Self { private: false, loopback: false, link_local: false, host: None }
    }

    /// All but reserved addresses: for what the operator or the user names in a configuration or on
    /// a command line.
    #[must_use]
    pub const fn named_by_operator() -> Self {
        Self { private: true, loopback: true, link_local: true, host: None }
    }

    /// For what a document names that came from an address of the class `source`: public addresses,
    /// and private or loopback ones if the document came from one. So an issuer on a private
    /// network works, and no public issuer leads into that network. Link-local addresses are never
    /// named by a document.
    #[must_use]
    pub const fn for_document(source: AddressClass) -> Self {
        let public = Self::public_only();
        match source {
            AddressClass::Private => public.and_private(true),
            AddressClass::Loopback => public.and_loopback(true),
            AddressClass::Public | AddressClass::LinkLocal | AddressClass::Reserved => public,
        }
    }

    /// The same, with private addresses if `allowed`.
    #[must_use]
    pub const fn and_private(mut self, allowed: bool) -> Self {
        self.private = self.private || allowed;
        self
    }

    /// The same, with loopback addresses if `allowed`.
    #[must_use]
    pub const fn and_loopback(mut self, allowed: bool) -> Self {
        self.loopback = self.loopback || allowed;
        self
    }

    /// The same, with a host that the user named: it may have any address but a reserved one.
    /// `host` is a name or an IP address, with or without brackets.
    #[must_use]
    pub fn and_host(mut self, host: &str) -> Self {
        self.host = Some(normal(host));
        self
    }

    /// Whether private addresses are allowed.
    #[must_use]
    pub const fn allows_private(&self) -> bool {
        self.private
    }

    /// Whether an address may be asked, as far as its text shows. The IP addresses of a name are
    /// judged when connecting.
    pub fn check(&self, address: &Address) -> Result<(), AddressError> {
        address.class().map_or(Ok(()), |class| self.judge(address.host(), class))
    }

    /// Whether `host` may be asked at an address of this class.
    pub(crate) fn judge(&self, host: &str, class: AddressClass) -> Result<(), AddressError> {
        let is_named = || self.host.as_ref().is_some_and(|named| *named == normal(host));
        match class {
            AddressClass::Public => Ok(()),
            AddressClass::Reserved => Err(AddressError::Reserved),
            AddressClass::Private if self.private || is_named() => Ok(()),
            AddressClass::Loopback if self.loopback || is_named() => Ok(()),
            AddressClass::LinkLocal if self.link_local || is_named() => Ok(()),
            AddressClass::Private => Err(AddressError::Private),
            AddressClass::Loopback => Err(AddressError::Loopback),
            AddressClass::LinkLocal => Err(AddressError::LinkLocal),
        }
    }
}

fn normal(host: &str) -> String {
    host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &AddressPolicy, text: &str) -> Result<(), AddressError> {
        policy.check(&text.parse().unwrap())
    }

    #[test]
    fn a_document_leads_to_public_addresses_and_to_those_of_its_own_class() {
        use AddressClass::{LinkLocal, Loopback, Private, Public, Reserved};
        for (source, private, loopback) in [
            (Public, false, false),
            (Private, true, false),
            (Loopback, false, true),
            (LinkLocal, false, false),
            (Reserved, false, false),
        ] {
            let policy = AddressPolicy::for_document(source);
            assert_eq!(check(&policy, "https://8.8.8.8/"), Ok(()));
            assert_eq!(check(&policy, "https://keys.example/"), Ok(()));
            for text in ["https://10.0.0.1/", "https://[fd00::1]/", "https://[::ffff:10.0.0.1]/"] {
                let expected = if private { Ok(()) } else { Err(AddressError::Private) };
                assert_eq!(check(&policy, text), expected, "{source:?} {text}");
            }
            for text in [
                "https://127.0.0.1/",
                "http://[::1]/",
                "https://LOCALHOST./",
                "http://a.localhost/",
            ] {
                let expected = if loopback { Ok(()) } else { Err(AddressError::Loopback) };
                assert_eq!(check(&policy, text), expected, "{source:?} {text}");
            }
            for text in ["https://169.254.169.254/latest", "https://[fe80::1]/"] {
                assert_eq!(check(&policy, text), Err(AddressError::LinkLocal), "{source:?} {text}");
            }
            for text in ["https://0.0.0.0/", "https://[::]/"] {
                assert_eq!(check(&policy, text), Err(AddressError::Reserved), "{source:?} {text}");
            }
        }
    }

    #[test]
    fn what_the_operator_names_may_be_anything_but_reserved() {
        let policy = AddressPolicy::named_by_operator();
        for text in ["https://10.0.0.1/", "http://localhost/", "https://169.254.1.1/"] {
            assert_eq!(check(&policy, text), Ok(()), "{text}");
        }
        assert_eq!(check(&policy, "https://0.0.0.0/"), Err(AddressError::Reserved));
    }

    #[test]
    fn the_host_that_a_user_named_is_allowed_and_no_other() {
        let policy = AddressPolicy::public_only().and_host("MCP.example");
        for class in [AddressClass::Private, AddressClass::Loopback, AddressClass::LinkLocal] {
            assert!(policy.judge("mcp.example", class).is_ok());
            assert!(policy.judge("mcp.example.", class).is_ok());
            assert!(policy.judge("as.example", class).is_err());
        }
        assert_eq!(
            policy.judge("mcp.example", AddressClass::Reserved),
            Err(AddressError::Reserved)
        );
        let policy = AddressPolicy::public_only().and_host("[fd00::1]");
        assert!(check(&policy, "https://[fd00::1]/").is_ok());
        assert!(check(&policy, "https://[fd00::2]/").is_err());
    }
}
