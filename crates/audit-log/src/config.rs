//! What is written, and how.

use std::path::PathBuf;

use auth_core::SigningKey;

/// Where decisions are recorded, and how.
#[derive(Debug, Clone)]
pub struct AuditConfig {
    /// The file that is written.
    pub file: PathBuf,
    /// The key that signs checkpoints.
    pub key: SigningKey,
    /// What this node is called in records.
    pub node: String,
    /// From which size on a file is renamed, in bytes.
    pub max_bytes: u64,
    /// How many files that are full are kept; `None` for all.
    pub max_full_files: Option<usize>,
    /// After how many records there is a checkpoint.
    pub checkpoint_records: u64,
    /// Whether records are written to standard output, too.
    pub is_copied: bool,
}
