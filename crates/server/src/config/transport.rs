//! How the server speaks to its callers: with TLS, or in plain HTTP.
//!
//! 1. With a certificate it is TLS, and nothing else.
//! 2. Without one it is plain HTTP: on loopback, or wherever `PLAIN_HTTP=on` says that a proxy in
//!    front, or the network, keeps others from reading it. A token that is read can be used.

use std::{net::IpAddr, path::PathBuf};

use auth_core::{NumericDate, ResourceUri};
use issuer_setup::authorities;
use settings::{Environment, PlainHttp, Variable};
use tls_setup::{Host, Loaded, LoadedClients, TlsFiles};

use crate::tls::acme::AcmeConfig;

/// How the server speaks to its callers.
#[derive(Debug)]
pub(crate) enum Transport {
    /// With TLS.
    Tls(TlsFiles, Loaded),
    /// With TLS, and certificates by ACME; and the file with the authorities of clients.
    Acme(AcmeConfig, Option<LoadedClients>),
    /// In plain HTTP.
    Plain(PlainHttp),
}

/// A server in plain HTTP that other machines reach.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "other machines reach {0}, and in plain HTTP everyone on the way can read the tokens: set \
     TLS_CERTIFICATE_FILE and TLS_KEY_FILE, or, if a proxy in front speaks TLS, set PLAIN_HTTP=on"
)]
pub(crate) struct PlainHttpError(String);

impl Transport {
    /// Reads the settings, and the files that they name. What is wrong is added to `faults`.
    pub(crate) fn resolve(
        environment: &Environment,
        resource: Option<&ResourceUri>,
        faults: &mut Vec<String>,
    ) -> Option<Self> {
        if environment.get(Variable::TlsAcmeDirectory).is_some() {
            return acme(environment, resource, faults);
        }
        refuse_unused(environment, faults);
        let clients = environment.get(Variable::TlsClientCaFile).map(PathBuf::from);
        let files = match TlsFiles::configured(environment) {
            Ok(Some(files)) => TlsFiles { clients, ..files },
            Ok(None) if clients.is_some() => {
                let set = environment.label(Variable::TlsClientCaFile);
                faults.push(format!(
                    "{set} is set and TLS_CERTIFICATE_FILE is not: clients present certificates \
                     where the server has one"
                ));
                return None;
            }
            Ok(None) => return PlainHttp::read(environment, faults).map(Self::Plain),
            Err(fault) => {
                faults.push(fault.to_string());
                return None;
            }
        };
        if let Some(resource) = resource.filter(|it| !it.as_str().starts_with("https:")) {
            faults.push(format!(
                "{} {resource}: clients use https where there is a certificate: write https://…",
                environment.label(Variable::McpResource)
            ));
        }
        match files.load() {
            Ok(loaded) => Some(Self::Tls(files, loaded)),
            Err(fault) => {
                faults.push(format!("TLS: {fault}"));
                None
            }
        }
    }

    /// Whether the server may listen at this address.
    pub(crate) fn check(&self, address: IpAddr) -> Result<(), PlainHttpError> {
        match self {
            Self::Plain(plain) if !plain.is_permitted_at(address) => {
                Err(PlainHttpError(address.to_string()))
            }
            Self::Tls(..) | Self::Acme(..) | Self::Plain(_) => Ok(()),
        }
    }

    /// The same of an address as it is configured. One that is a name is known once the server
    /// listens.
    pub(crate) fn check_configured(&self, bind: &str) -> Result<(), PlainHttpError> {
        match self {
            Self::Plain(plain) if !plain.may_be_permitted_at(bind) => {
                Err(PlainHttpError(bind.to_owned()))
            }
            Self::Tls(..) | Self::Acme(..) | Self::Plain(_) => Ok(()),
        }
    }

    /// Whether clients may present certificates.
    pub(crate) const fn has_client_certificates(&self) -> bool {
        matches!(self, Self::Tls(TlsFiles { clients: Some(_), .. }, _) | Self::Acme(_, Some(_)))
    }

    /// Why clients that call `resource` will refuse its certificate, now or soon.
    pub(crate) fn warnings(&self, resource: &ResourceUri, now: NumericDate) -> Vec<String> {
        match self {
            Self::Tls(_, loaded) => loaded.warnings(&host(resource), now),
            // A certificate by ACME is ordered for the host, and kept by the server.
            Self::Acme(..) | Self::Plain(_) => Vec::new(),
        }
    }

    /// `https` or `http`.
    pub(crate) const fn scheme(&self) -> &'static str {
        match self {
            Self::Tls(..) | Self::Acme(..) => "https",
            Self::Plain(_) => "http",
        }
    }
}

/// The host that clients call, for which the certificate has to be.
pub(crate) fn host(resource: &ResourceUri) -> Host {
    Host { name: resource.host().to_owned(), setting: "MCP_RESOURCE" }
}

/// Settings of an authority that none is named for.
fn refuse_unused(environment: &Environment, faults: &mut Vec<String>) {
    for unused in [Variable::TlsAcmeTermsAgreed, Variable::TlsAcmeContact, Variable::TlsAcmeFolder]
    {
        if environment.set_value(unused).is_some() {
            faults.push(format!(
                "{} is set and TLS_ACME_DIRECTORY is not: name the directory of the authority, or \
                 take this out",
                environment.label(unused)
            ));
        }
    }
}

/// A certificate by ACME, for the host of the resource.
fn acme(
    environment: &Environment,
    resource: Option<&ResourceUri>,
    faults: &mut Vec<String>,
) -> Option<Transport> {
    let before = faults.len();
    let text = |variable| environment.get(variable).map(str::to_owned);
    let label = environment.label(Variable::TlsAcmeDirectory);
    for file in [Variable::TlsCertificateFile, Variable::TlsKeyFile] {
        if environment.get(file).is_some() {
            let file = environment.label(file);
            faults.push(format!("{label} and {file} are both set: keep one"));
        }
    }
    if environment.get(Variable::TlsAcmeTermsAgreed) != Some("on") {
        faults.push(format!(
            "{label} is set: read the terms of service of the authority, and set \
             TLS_ACME_TERMS_AGREED=on if you agree"
        ));
    }
    let directory = text(Variable::TlsAcmeDirectory)?;
    if let Err(fault) = directory.parse::<outbound::Address>() {
        faults.push(format!("{label} {directory:?}: {fault}"));
    }
    let contact = text(Variable::TlsAcmeContact);
    let scheme = contact.as_deref().and_then(|contact| contact.get(.."mailto:".len()));
    if scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:")) {
        let label = environment.label(Variable::TlsAcmeContact);
        faults.push(format!("{label}: write the address alone, without `mailto:`"));
    } else if let Some(text) = contact.as_deref().filter(|text| !is_mail_address(text)) {
        let label = environment.label(Variable::TlsAcmeContact);
        faults.push(format!("{label} {text:?}: write a mail address, as admin@example.com"));
    }
    let resource = resource?;
    let is_name = resource.host().parse::<IpAddr>().is_err();
    if !is_name || !resource.as_str().starts_with("https:") {
        faults.push(format!(
            "{} {resource}: a certificate is ordered for its host: write https:// and a name",
            environment.label(Variable::McpResource)
        ));
    }
    let clients = environment.get(Variable::TlsClientCaFile).map(|path| {
        LoadedClients::read(path.into()).map_err(|fault| faults.push(format!("TLS: {fault}")))
    });
    if faults.len() > before {
        return None;
    }
    let config = AcmeConfig {
        directory,
        contact,
        folder: text(Variable::TlsAcmeFolder)?.into(),
        name: resource.host().to_owned(),
        authorities: authorities(environment, &mut Vec::new()),
    };
    Some(Transport::Acme(config, clients.and_then(Result::ok)))
}

/// Whether a text can be a mail address. The authority knows what is one.
fn is_mail_address(text: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && !part.contains([' ', ',', '<', '>', '@']);
    text.split_once('@').is_some_and(|(name, host)| is_plain(name) && is_plain(host))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// A folder with a certificate for `mcp.example` and its key; and the paths of both.
    fn files() -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["mcp.example".to_owned()]).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let certificate = write("cert.pem", made.cert.pem());
        let key = write("key.pem", made.signing_key.serialize_pem());
        (folder, certificate, key)
    }

    fn resolve(resource: &str, pairs: &[(&str, &str)]) -> Result<Transport, String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let resource = resource.parse().unwrap();
        let mut faults = Vec::new();
        let environment = Environment::from_pairs(pairs);
        let found = Transport::resolve(&environment, Some(&resource), &mut faults);
        found.filter(|_| faults.is_empty()).ok_or_else(|| faults.join("\n"))
    }

    #[test]
    fn plain_http_that_other_machines_reach_is_refused_with_both_remedies() {
        let plain = resolve("http://localhost:8000/mcp", &[]).unwrap();
        assert_eq!(plain.scheme(), "http");
        assert_eq!(plain.check_configured("127.0.0.1:8000"), Ok(()));
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        for fault in [plain.check_configured("0.0.0.0:8000"), plain.check(other)] {
            let fault = fault.unwrap_err().to_string();
            for remedy in ["TLS_CERTIFICATE_FILE and TLS_KEY_FILE", "PLAIN_HTTP=on"] {
                assert!(fault.contains(remedy), "{fault}");
            }
        }
        let meant = resolve("https://mcp.example", &[("PLAIN_HTTP", "on")]).unwrap();
        assert_eq!(meant.check_configured("0.0.0.0:8000"), Ok(()));
        assert_eq!(meant.check(other), Ok(()));
        assert!(resolve("http://localhost", &[("PLAIN_HTTP", "yes")]).is_err());
    }

    #[test]
    fn a_file_of_client_authorities_that_cannot_be_used_is_a_fault_with_files_and_with_acme() {
        let (folder, certificate, key) = files();
        let clients = folder.path().join("clients.pem").to_str().unwrap().to_owned();
        let files: [(&str, &str); 2] =
            [("TLS_CERTIFICATE_FILE", &certificate), ("TLS_KEY_FILE", &key)];
        let authority = fs::read_to_string(&certificate).unwrap();
        let list = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        for (content, said) in [
            (format!("{authority}{list}"), "a revocation list of the file cannot be used"),
            (String::new(), "there is no certificate in this file"),
            (" ".repeat(1024 * 1024 + 1), "this file is too long"),
        ] {
            fs::write(&clients, content).unwrap();
            for pairs in [files, ACME] {
                let pairs = [&pairs[..], &[("TLS_CLIENT_CA_FILE", &clients)]].concat();
                let fault = resolve("https://mcp.example", &pairs).unwrap_err();
                assert!(fault.starts_with(&format!("TLS: {clients}: {said}")), "{fault}");
            }
        }
        // Neither a folder nor a pipe, whose writer may never come.
        fs::remove_file(&clients).unwrap();
        fs::create_dir(&clients).unwrap();
        for pairs in [files, ACME] {
            let pairs = [&pairs[..], &[("TLS_CLIENT_CA_FILE", &clients)]].concat();
            let fault = resolve("https://mcp.example", &pairs).unwrap_err();
            assert_eq!(fault, format!("TLS: {clients}: this is no file"));
        }
    }

    const ACME: [(&str, &str); 2] =
        [("TLS_ACME_DIRECTORY", "https://acme.example/directory"), ("TLS_ACME_TERMS_AGREED", "on")];

    #[test]
    fn a_contact_of_acme_is_an_address_without_its_scheme() {
        let with = |contact| {
            let pairs = [&ACME[..], &[("TLS_ACME_CONTACT", contact)]].concat();
            resolve("https://mcp.example", &pairs)
        };
        for contact in ["mailto:admin@mcp.example", "MAILTO:admin@mcp.example"] {
            let fault = with(contact).unwrap_err();
            assert_eq!(fault, "TLS_ACME_CONTACT: write the address alone, without `mailto:`");
        }
        for contact in ["not an address", "@mcp.example", "admin@", "a@b, c@d", "A <a@b.c>"] {
            assert!(with(contact).unwrap_err().contains("write a mail address"), "{contact}");
        }
        for contact in ["admin@mcp.example", "a@b.c"] {
            let Ok(Transport::Acme(config, _)) = with(contact) else { panic!("{contact}") };
            assert_eq!(config.contact.as_deref(), Some(contact));
        }
    }

    #[test]
    fn settings_of_acme_without_a_directory_are_faults_with_and_without_a_certificate() {
        let (_folder, certificate, key) = files();
        let both: [(&str, &str); 2] =
            [("TLS_CERTIFICATE_FILE", &certificate), ("TLS_KEY_FILE", &key)];
        let contact = ("TLS_ACME_CONTACT", "admin@mcp.example");
        for unused in [ACME[1], contact, ("TLS_ACME_FOLDER", "acme")] {
            for pairs in [&[unused][..], &[both[0], both[1], unused]] {
                let fault = resolve("https://mcp.example", pairs).unwrap_err();
                let said = format!("{} is set and TLS_ACME_DIRECTORY is not", unused.0);
                assert!(fault.starts_with(&said), "{fault}");
            }
        }
    }

    #[test]
    fn a_certificate_needs_its_key_and_a_resource_with_https() {
        let (_folder, certificate, key) = files();
        let both: [(&str, &str); 2] =
            [("TLS_CERTIFICATE_FILE", &certificate), ("TLS_KEY_FILE", &key)];
        let tls = resolve("https://mcp.example/mcp", &both).unwrap();
        assert_eq!(tls.scheme(), "https");
        assert_eq!(tls.check_configured("0.0.0.0:8443"), Ok(()));
        for (one, other) in [(0, "TLS_KEY_FILE"), (1, "TLS_CERTIFICATE_FILE")] {
            let fault = resolve("https://mcp.example", &both[one..=one]).unwrap_err();
            assert!(fault.ends_with(&format!("{other} is not: set both")), "{fault}");
        }
        let fault = resolve("http://localhost:8000/mcp", &both).unwrap_err();
        assert!(fault.contains("write https://"), "{fault}");
        let clients = ("TLS_CLIENT_CA_FILE", certificate.as_str());
        let with_clients = resolve("https://mcp.example", &[both[0], both[1], clients]).unwrap();
        assert!(with_clients.has_client_certificates() && !tls.has_client_certificates());
        let fault = resolve("https://mcp.example", &[clients]).unwrap_err();
        assert!(fault.contains("TLS_CERTIFICATE_FILE is not"), "{fault}");
        let [directory, agreed] = ACME;
        for (resource, pairs, said) in [
            ("https://mcp.example", &[directory][..], "set TLS_ACME_TERMS_AGREED=on"),
            ("https://192.0.2.1", &[directory, agreed], "write https:// and a name"),
            ("http://localhost", &[directory, agreed], "write https:// and a name"),
            ("https://mcp.example", &[directory, agreed, both[0]], "CERTIFICATE_FILE are both set"),
            ("https://mcp.example", &[directory, agreed, both[1]], "TLS_KEY_FILE are both set"),
            ("https://mcp.example", &[("TLS_ACME_DIRECTORY", "http://a.example"), agreed], "http"),
        ] {
            let fault = resolve(resource, pairs).unwrap_err();
            assert!(fault.contains(said), "{said}: {fault}");
        }
        let acme = resolve("https://mcp.example/mcp", &[directory, agreed]).unwrap();
        assert!(matches!(acme, Transport::Acme(config, None) if config.name == "mcp.example"));
        let missing = [both[0], ("TLS_KEY_FILE", "/no/such/key")];
        let fault = resolve("https://mcp.example", &missing).unwrap_err();
        assert!(fault.starts_with("TLS: /no/such/key: "), "{fault}");
    }
}
