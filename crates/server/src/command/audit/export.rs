//! `server audit export`.

use std::io::Write;

use super::{
    filter::Filter,
    ocsf,
    source::{ChainFiles, each_record},
};
use crate::{args::ExportFormat, failure::Failure};

pub(super) fn export(
    chains: &[ChainFiles],
    filter: &Filter,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    for chain in chains {
        each_record(&chain.files, |line, text| {
            if !filter.has(&line) {
                return Ok(());
            }
            let written = match format {
                ExportFormat::Jsonl => writeln!(out, "{text}"),
                ExportFormat::Ocsf => match ocsf::event(&line) {
                    Some(event) => writeln!(out, "{event}"),
                    None => Ok(()),
                },
            };
            written.map_err(Failure::output)
        })?;
    }
    Ok(())
}
