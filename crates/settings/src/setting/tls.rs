//! The settings of the server's certificate, `[tls]`.

use super::{
    Setting,
    Shape::{Choice, Path, Text},
    constructors::{server, shared},
};

pub(super) const TLS_CERTIFICATE_FILE: Setting = shared(
    "TLS_CERTIFICATE_FILE",
    ("tls", "certificate_file"),
    Path,
    None,
    "A PEM file with the certificate of the server, and those of the authorities between it and the root. It is read again when it changes (docs/tls.md). Not set: the server speaks plain HTTP.",
);

pub(super) const TLS_KEY_FILE: Setting = shared(
    "TLS_KEY_FILE",
    ("tls", "key_file"),
    Path,
    None,
    "A PEM file with the private key of that certificate, for its owner alone.",
);

pub(super) const TLS_ACME_DIRECTORY: Setting = server(
    "TLS_ACME_DIRECTORY",
    ("tls", "acme_directory"),
    Text,
    None,
    "Instead of these files: the URL of the directory of an authority that issues certificates by ACME (docs/tls.md), for example https://acme-v02.api.letsencrypt.org/directory.",
);

pub(super) const TLS_ACME_TERMS_AGREED: Setting = server(
    "TLS_ACME_TERMS_AGREED",
    ("tls", "acme_terms_agreed"),
    Choice(&["on", "off"]),
    Some("off"),
    "Whether you agree to the terms of service of that authority. Needed with TLS_ACME_DIRECTORY.",
);

pub(super) const TLS_ACME_CONTACT: Setting = server(
    "TLS_ACME_CONTACT",
    ("tls", "acme_contact"),
    Text,
    None,
    "The address of e-mail to which that authority may write.",
);

pub(super) const TLS_ACME_FOLDER: Setting = server(
    "TLS_ACME_FOLDER",
    ("tls", "acme_folder"),
    Path,
    Some("data/acme"),
    "The folder of the account at that authority, and of the certificate with its key. It is made on first use.",
);

pub(super) const TLS_CLIENT_CA_FILE: Setting = server(
    "TLS_CLIENT_CA_FILE",
    ("tls", "client_ca_file"),
    Path,
    None,
    "A PEM file with the authorities by which certificates of clients are verified (docs/tls.md). Clients may then present one, and tokens may be bound to it. Not set: none is asked for.",
);
