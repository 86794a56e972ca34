//! What callers have spent of their rates at each resource. It outlasts the server in force, so
//! that a change of a setting gives no caller a fresh budget.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::ResourceUri;
use bartizan::SpentRates;

/// What was spent at each resource. Its clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResourceRates(Arc<Mutex<Vec<(ResourceUri, Spent)>>>);

/// What was spent at one resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    /// By its calls.
    pub(crate) calls: SpentRates,
    /// By questions about them (`/admin/explain`).
    pub(crate) questions: SpentRates,
}

impl ResourceRates {
    /// What was spent at `resource`.
    pub(super) fn of(&self, resource: &ResourceUri) -> Spent {
        let mut all = self.lock();
        if let Some((_, spent)) = all.iter().find(|(other, _)| other == resource) {
            return spent.clone();
        }
        let spent = Spent::default();
        all.push((resource.clone(), spent.clone()));
        spent
    }

    /// Forgets what was spent at other resources than these: they are gone.
    pub(super) fn keep(&self, resources: &[ResourceUri]) {
        self.lock().retain(|(resource, _)| resources.contains(resource));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(ResourceUri, Spent)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_spent_is_forgotten_with_its_resource() {
        let (rates, resource) = (ResourceRates::default(), testkit::RESOURCE.parse().unwrap());
        rates.of(&resource);
        rates.of(&resource);
        assert_eq!(rates.lock().len(), 1);
        rates.keep(std::slice::from_ref(&resource));
        assert_eq!(rates.lock().len(), 1);
        rates.keep(&[]);
        assert!(rates.lock().is_empty());
    }
}
