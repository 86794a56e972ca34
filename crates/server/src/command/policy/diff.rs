//! `server policy diff OLD NEW`: who gains what, and who loses what.

use std::io::Write;

use auth_core::Policy;

use crate::{
    args::OutputFormat, command::context::clean, failure::Failure, policy::changes::Changes,
};

pub(super) fn diff(
    old: &Policy,
    new: &Policy,
    output: OutputFormat,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let changes = Changes::between(old, new);
    let text = match output {
        OutputFormat::Json => format!("{:#}\n", changes.in_json()),
        OutputFormat::Text => changes.in_text(),
    };
    out.write_all(clean(output, &text).as_bytes()).map_err(Failure::output)
}
