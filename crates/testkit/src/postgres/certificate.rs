//! A certificate for `localhost`, by an authority of its own: made with OpenSSL's command line,
//! which Debian's PostgreSQL brings along.

use std::{fs, io, path::PathBuf};

use super::host::{Host, output};

const CONFIGURATION: &str = "\
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost
";

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config openssl.cnf";

/// Makes `server.key` and `server.pem` in the server's folder; gives the authority's certificate.
pub(super) fn make(host: &Host) -> io::Result<PathBuf> {
    let folder = host.folder();
    fs::write(folder.join("openssl.cnf"), CONFIGURATION)?;
    for line in [
        format!(
            "req -x509 {KEY} -extensions authority -subj /CN=authority -days 2 -keyout authority.key -out authority.pem"
        ),
        format!("req -new {KEY} -subj /CN=server -keyout server.key -out server.csr"),
        "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \
         -extfile openssl.cnf -extensions server -days 2 -out server.pem"
            .to_owned(),
    ] {
        output(host.command("openssl").args(line.split_whitespace()))?;
    }
    Ok(folder.join("authority.pem"))
}
