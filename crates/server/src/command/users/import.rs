//! Users and revoked tokens as JSON Lines: out of one directory, into another.
//!
//! 1. A line is `{"user": {…}}` or `{"revoked_token": {…}}`, with the members that `--output json`
//!    has.
//! 2. An import is applied as a whole or not at all; an error names its line.
//! 3. An existing user who is the same is left unchanged; one who differs is an error, unless
//!    `--overwrite` is given. A revoked token stays revoked in any case.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
};

use auth_core::{RoleName, display};
use directory::{AnyDirectory, Directory, DirectoryError, Edit, EditOutcome, RevokedToken, User};
use serde::{Deserialize, Serialize};
use settings::secret_file;

use crate::command::context::{DirectoryContext, write_json};
use crate::{args::OutputFormat, failure::Failure};

/// The longest line in bytes: more than any user can have.
const MAX_LINE_BYTES: u64 = 1024 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    User(User),
    RevokedToken(RevokedToken),
}

/// Adds the lines of `file` (`-`: standard input) to the directory.
pub(crate) async fn import(
    context: &DirectoryContext,
    file: &Path,
    overwrite: bool,
    has_role: impl Fn(&RoleName) -> bool,
    output: OutputFormat,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let source: Box<dyn Read> = if file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let unreadable = |error| Failure::Usage(format!("{}: {error}", file.display()));
        Box::new(fs::File::open(file).map_err(unreadable)?)
    };
    let edits = read(BufReader::new(source), overwrite, has_role)?;
    let applied = context.directory.apply(edits, &context.stamp).await;
    let changes = match applied {
        Ok(changes) => changes,
        Err(DirectoryError::Exists { issuer, subject }) => {
            return Err(Failure::Usage(format!(
                "{subject} of {issuer} is there already and differs; nothing was imported. \
                 --overwrite makes those who are there like the file"
            )));
        }
        Err(error) => return Err(error.into()),
    };
    let done = changes.iter().filter(|change| **change == EditOutcome::Changed).count();
    match output {
        OutputFormat::Json => {
            write_json(&serde_json::json!({ "lines": changes.len(), "changed": done }), out)
        }
        OutputFormat::Text => {
            writeln!(out, "{done} of {} lines applied", changes.len()).map_err(Failure::output)
        }
    }
}

fn read(
    mut source: impl BufRead,
    overwrite: bool,
    has_role: impl Fn(&RoleName) -> bool,
) -> Result<Vec<Edit>, Failure> {
    let mut edits = Vec::new();
    for number in 1_u64.. {
        let fault = |fault: &dyn std::fmt::Display| {
            Failure::Usage(format!("line {number}: {fault}; nothing was imported"))
        };
        let mut line = String::new();
        let length =
            (&mut source).take(MAX_LINE_BYTES).read_line(&mut line).map_err(|it| fault(&it))?;
        if length == 0 {
            break;
        }
        if length as u64 == MAX_LINE_BYTES {
            return Err(fault(&"it is too long"));
        }
        if line.trim().is_empty() {
            continue;
        }
        edits.push(match serde_json::from_str(&line).map_err(|it| fault(&it))? {
            Line::User(user) => {
                if let Some(role) = user.roles().iter().find(|role| !has_role(role)) {
                    return Err(fault(&format!("the policy has no role {:?}", role.as_str())));
                }
                Edit::Import { user, overwrite }
            }
            Line::RevokedToken(token) => Edit::RevokeToken(token),
        });
    }
    Ok(edits)
}

/// Writes all users and revoked tokens to `file`, which must not be there yet (`-`: the output).
pub(crate) async fn export(
    directory: &AnyDirectory,
    file: &Path,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let users = directory.list().await?.into_iter().map(Line::User);
    let tokens = directory.revoked_tokens().await?.into_iter().map(Line::RevokedToken);
    let lines = users.chain(tokens);
    if file == Path::new("-") {
        return write(lines, out);
    }
    let unwritable = |error| Failure::Usage(format!("{}: {error}", file.display()));
    let mut made = io::BufWriter::new(secret_file::create_new(file).map_err(unwritable)?);
    write(lines, &mut made)?;
    let made = made.into_inner().map_err(|fault| Failure::output(fault.into_error()))?;
    made.sync_all().map_err(Failure::output)
}

fn write(lines: impl Iterator<Item = Line>, out: &mut dyn Write) -> Result<(), Failure> {
    for line in lines {
        serde_json::to_string(&line)
            .map_err(Into::into)
            .and_then(|json| writeln!(out, "{}", display::escape_json(&json)))
            .map_err(Failure::output)?;
    }
    Ok(())
}
