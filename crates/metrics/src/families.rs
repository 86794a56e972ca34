//! The families of what is counted as it happens.

use prometheus_client::metrics::{counter::Counter, family::Family, histogram::Histogram};

use crate::{
    operation::{Durations, OperationLabels},
    readings::Labels,
};

/// What is counted as it happens. Its clones are the same families.
#[derive(Debug, Clone)]
pub(crate) struct Families {
    pub(crate) operations: Family<OperationLabels, Histogram, Durations>,
    pub(crate) decisions: Family<Labels, Counter>,
    pub(crate) panics: Family<Labels, Counter>,
    pub(crate) unreadable_lists: Family<Labels, Counter>,
}
