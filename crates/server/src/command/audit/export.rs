//! `server audit export`.

use std::io::Write;

use super::{
    filter::Filter,
    ocsf,
    source::{ChainRecords, LeftOut},
};
use crate::{args::ExportFormat, failure::Failure};

pub(super) async fn export(
    chains: &[ChainRecords],
    filter: &Filter,
    format: ExportFormat,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut left_out = LeftOut::default();
    for chain in chains {
        chain
            .each_record(&filter.search, &mut left_out, |line, text| {
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
            })
            .await?;
    }
    left_out.finish()
}
