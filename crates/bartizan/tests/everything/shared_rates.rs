//! Rates that several nodes count together: when a guard asks their store, and what it makes of the
//! answer.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::Rate;
use bartizan::{BudgetAnswer, BudgetId, BudgetStore};
use serde_json::{Value, json};

use crate::world::{Answer, World, document};

/// A store that answers as it is set to.
#[derive(Clone)]
struct Store {
    answer: Arc<Mutex<BudgetAnswer>>,
    asked: Arc<Mutex<Vec<(BudgetId, Rate)>>>,
}

impl Store {
    fn new(answer: BudgetAnswer) -> Self {
        Self { answer: Arc::new(Mutex::new(answer)), asked: Arc::default() }
    }

    fn answers(&self, answer: BudgetAnswer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// The rates that it was asked for since the last time.
    fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().map(|(_, rate)| rate.to_string()).collect()
    }
}

impl BudgetStore for Store {
    fn spend<'a>(
        &'a self,
        budget: &'a BudgetId,
        rate: Rate,
    ) -> Pin<Box<dyn Future<Output = BudgetAnswer> + Send + 'a>> {
        self.asked.lock().unwrap().push((*budget, rate));
        let answer = *self.answer.lock().unwrap();
        Box::pin(async move { answer })
    }
}

/// A tool with a rate, and `[limits]`.
fn limited() -> Value {
    let mut document = document();
    document["tools"]["a"] = json!({ "all": ["A"], "rate": "3/day" });
    document["limits"] = json!({ "caller": "9/day", "client": "8/day" });
    document
}

async fn world(document: Value, store: &Store) -> World {
    let store = Arc::new(store.clone());
    World::start_with(document, |guard| guard.budget_store(store)).await
}

async fn call(world: &World, subject: &str, tool: &str) -> Answer {
    world.caller(subject, "A").call("tools/call", json!({ "name": tool })).await
}

#[tokio::test]
async fn the_store_is_asked_for_each_budget_that_the_node_has_spent() {
    let store = Store::new(BudgetAnswer::Within);
    let world = world(limited(), &store).await;
    assert!(call(&world, "alice", "a").await.is_result());
    assert_eq!(store.asked(), ["9/day", "8/day", "3/day"]);
    assert!(call(&world, "alice", "open").await.is_result());
    assert_eq!(call(&world, "alice", "b").await.status, 403);
    assert_eq!(store.asked(), ["9/day", "8/day", "9/day", "8/day"]);

    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let mut alice = world.caller("alice", "A");
    alice.initialize().await;
    assert_eq!(store.asked(), ["9/day", "8/day"]);
    assert_eq!(alice.send(alice.post(&notification)).await.status, 202);
    assert_eq!(world.with(Some("garbage".into())).call("ping", json!({})).await.status, 401);
    assert_eq!(store.asked(), <[&str; 0]>::default());
}

#[tokio::test]
async fn what_the_store_refuses_is_429_by_the_same_text_as_what_the_node_refuses() {
    let mut document = limited();
    document["limits"] = json!({});
    let store = Store::new(BudgetAnswer::Beyond(Duration::from_millis(4200)));
    let world = world(document, &store).await;
    let refused = call(&world, "alice", "a").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["retry-after"], "5");
    let error = &refused.message["error"];
    assert_eq!(error["message"], "[tools] \"a\" allows each caller 3/day: try again in 5 s");
    assert_eq!((&error["code"], &error["data"]["retry_after"]), (&json!(-32000), &json!(5)));
    assert!(call(&world, "alice", "open").await.is_result(), "without a rate it is not asked");
    assert_eq!(store.asked(), ["3/day"]);
}

#[tokio::test]
async fn a_node_refuses_by_itself_and_without_an_answer_its_own_budget_holds() {
    let mut document = limited();
    document["limits"] = json!({});
    let store = Store::new(BudgetAnswer::Unknown);
    let world = world(document, &store).await;
    for _ in 0..3 {
        assert!(call(&world, "alice", "a").await.is_result());
    }
    assert_eq!(store.asked().len(), 3);
    assert_eq!(call(&world, "alice", "a").await.status, 429);
    store.answers(BudgetAnswer::Within);
    assert_eq!(call(&world, "alice", "a").await.status, 429);
    assert_eq!(store.asked().len(), 0, "what the node refuses asks no store");
    assert!(call(&world, "bob", "a").await.is_result());
}

#[tokio::test]
async fn a_caller_has_the_same_budget_at_each_node_and_another_caller_another() {
    let store = Store::new(BudgetAnswer::Within);
    let mut document = limited();
    document["limits"] = json!({});
    let nodes = [world(document.clone(), &store).await, world(document, &store).await];
    for node in &nodes {
        for subject in ["alice", "bob"] {
            assert!(call(node, subject, "a").await.is_result());
        }
    }
    let asked: Vec<_> = store.asked.lock().unwrap().iter().map(|(id, _)| *id).collect();
    assert_eq!(asked[..2], asked[2..]);
    assert_ne!(asked[0], asked[1]);
}
