//! Whose a task is: what started it, and who. Learnt from the answers that say that one was
//! started.
//!
//! **Invariant:** a task whose owner is not known does not exist for any caller.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use auth_core::{Action, Owner};
use serde_json::Value;

/// How many tasks are remembered; beyond that the oldest are forgotten.
const MAX_TASKS: usize = 100_000;
/// How many of them one owner may have, so that one owner cannot displace the tasks of others.
const MAX_TASKS_OF_ONE: usize = 1_000;
/// The longest id that is remembered, in bytes.
const MAX_ID_BYTES: usize = 255;

/// Who started which task.
#[derive(Debug, Default)]
pub(crate) struct Tasks(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    tasks: HashMap<String, Origin>,
    /// Ids by owner, oldest first.
    owned: HashMap<Owner, VecDeque<String>>,
    /// Ids, oldest first; some may be forgotten already.
    order: VecDeque<String>,
}

/// Where a task comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) owner: Owner,
    /// What started it.
    pub(crate) action: Action,
}

impl Tasks {
    /// Remembers the task that `answer` says was started. Whose it is already stays so.
    pub(crate) fn learn(&self, answer: &Value, owner: &Owner, action: &Action) {
        let Some(id) = started(answer).filter(|id| id.len() <= MAX_ID_BYTES) else { return };
        let mut known = self.known();
        if known.tasks.contains_key(id) {
            return;
        }
        known.tasks.insert(id.into(), Origin { owner: owner.clone(), action: action.clone() });
        known.order.push_back(id.into());
        let own = known.owned.entry(owner.clone()).or_default();
        own.push_back(id.into());
        if own.len() > MAX_TASKS_OF_ONE
            && let Some(oldest) = own.pop_front()
        {
            known.tasks.remove(&oldest);
        }
        while known.tasks.len() > MAX_TASKS {
            known.forget_oldest();
        }
        // Those that were forgotten already are cleared away now and then.
        if known.order.len() > 2 * MAX_TASKS {
            let Known { tasks, order, .. } = &mut *known;
            order.retain(|id| tasks.contains_key(id));
        }
    }

    /// Where the task comes from, if `owner` started it.
    pub(crate) fn origin(&self, id: &str, owner: &Owner) -> Option<Origin> {
        self.known().tasks.get(id).filter(|origin| origin.owner == *owner).cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // A panic leaves nothing half done that could let another caller in.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn forget_oldest(&mut self) {
        let Some(id) = self.order.pop_front() else { return };
        let Some(Origin { owner, .. }) = self.tasks.remove(&id) else { return };
        if let Some(own) = self.owned.get_mut(&owner) {
            own.retain(|other| *other != id);
            if own.is_empty() {
                self.owned.remove(&owner);
            }
        }
    }
}

/// The id of the task that `answer` says was started: `resultType: "task"` (the tasks extension),
/// or a `task` in the result (2025-11-25).
fn started(answer: &Value) -> Option<&str> {
    let result = answer.get("result")?;
    let task = match result.get("resultType").and_then(Value::as_str) {
        Some("task") => result,
        _ => result.get("task")?,
    };
    task.get("taskId")?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owner(subject: &str) -> Owner {
        Owner::Principal {
            issuer: "i".parse().unwrap(),
            subject: subject.parse().unwrap(),
            client_id: None,
        }
    }

    fn tool() -> Action {
        Action::CallTool("t".into())
    }

    fn answer(id: &str) -> Value {
        json!({ "result": { "resultType": "task", "taskId": id } })
    }

    #[test]
    fn a_task_is_its_owners_alone_and_stays_so() {
        let (tasks, tool) = (Tasks::default(), tool());
        tasks.learn(&answer("1"), &owner("alice"), &tool);
        let origin = Origin { owner: owner("alice"), action: tool.clone() };
        assert_eq!(tasks.origin("1", &owner("alice")), Some(origin.clone()));
        assert_eq!(tasks.origin("1", &owner("bob")), None);
        assert_eq!(tasks.origin("2", &owner("alice")), None);
        // An answer that names another owner's task does not change its owner.
        tasks.learn(&answer("1"), &owner("bob"), &tool);
        assert_eq!(tasks.origin("1", &owner("bob")), None);
        assert_eq!(tasks.origin("1", &owner("alice")), Some(origin));
    }

    #[test]
    fn only_what_starts_a_task_is_learnt_from() {
        let tasks = Tasks::default();
        for other in [
            json!({ "result": { "resultType": "complete", "taskId": "1" } }),
            json!({ "result": { "taskId": "1" } }),
            json!({ "params": { "resultType": "task", "taskId": "1" } }),
            json!({ "result": { "resultType": "task", "taskId": 1 } }),
            answer(&"1".repeat(256)),
        ] {
            tasks.learn(&other, &Owner::Anonymous, &tool());
            assert!(tasks.known().tasks.is_empty(), "{other}");
        }
        let older = json!({ "result": { "task": { "taskId": "1" } } });
        tasks.learn(&older, &Owner::Anonymous, &tool());
        assert!(tasks.origin("1", &Owner::Anonymous).is_some());
    }

    #[test]
    fn memory_is_bounded_and_nobody_pushes_out_the_tasks_of_others() {
        let tasks = Tasks::default();
        tasks.learn(&answer("hers"), &owner("alice"), &tool());
        for id in 0..MAX_TASKS + 5 {
            tasks.learn(&answer(&id.to_string()), &owner("bob"), &tool());
        }
        assert!(tasks.origin("hers", &owner("alice")).is_some());
        let last = MAX_TASKS + 4;
        assert!(tasks.origin(&(last - MAX_TASKS_OF_ONE).to_string(), &owner("bob")).is_none());
        assert!(tasks.origin(&(last - MAX_TASKS_OF_ONE + 1).to_string(), &owner("bob")).is_some());
        for id in 0..MAX_TASKS {
            tasks.learn(&answer(&format!("x{id}")), &owner(&(id % 1000).to_string()), &tool());
        }
        let known = tasks.known();
        assert!(known.tasks.len() <= MAX_TASKS && known.order.len() <= 2 * MAX_TASKS);
        let owned: usize = known.owned.values().map(VecDeque::len).sum();
        assert_eq!(owned, known.tasks.len());
    }
}
