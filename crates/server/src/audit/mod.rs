//! The audit log of this process ([`audit_log`]): its settings, its head in the database of the
//! directory, and its copy in another one.
//!
//! The head, once the disk has it, is kept in the database of the directory ([`kept`]). A log that
//! does not have the record that is kept there is not continued. A PostgreSQL database may have a
//! copy of the records ([`copy`]).

pub(crate) mod changes;
pub(crate) mod config;
pub(crate) mod copy;
pub(crate) mod kept;
