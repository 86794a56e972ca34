//! Certificate authorities besides the system's.

use outbound::CertificateAuthorities;
use settings::{Environment, Variable};

/// The authorities in the file that `CA_FILE` names, if it names one.
pub fn authorities(environment: &Environment, faults: &mut Vec<String>) -> CertificateAuthorities {
    let Some(path) = environment.set_value(Variable::CaFile) else {
        return CertificateAuthorities::default();
    };
    let pem = environment.read(path.as_ref()).map_err(Into::into);
    pem.and_then(|pem| CertificateAuthorities::from_pem(&pem)).unwrap_or_else(|fault| {
        faults.push(format!("CA_FILE {path}: {fault}"));
        CertificateAuthorities::default()
    })
}
