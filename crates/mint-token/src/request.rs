//! A request without a token, with the certificate authorities of the configuration.

use settings::{Environment, Variable};

use crate::Request;

/// A GET of `url`.
pub(crate) fn get(url: String, environment: &Environment) -> Request {
    let ca_file = environment.set_value(Variable::CaFile).map(Into::into);
    Request { url, document: None, token: None, body: None, ca_file }
}
