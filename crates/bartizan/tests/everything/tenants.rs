//! A policy for each caller, from code.

use std::{collections::HashMap, sync::Arc};

use serde_json::json;

use crate::world::{World, document, policy};

#[tokio::test]
async fn each_tenant_has_rules_of_its_own() {
    let mut strict = document();
    strict["tools"]["a"] = json!("B");
    let base = Arc::new(policy(document()));
    let tenants = HashMap::from([("strict-corp".to_owned(), Arc::new(policy(strict)))]);
    let world = World::start_with(document(), |guard| {
        guard.policy_by_caller(move |principal| {
            let tenant = principal.subject().as_str().split('/').next().unwrap_or_default();
            Arc::clone(tenants.get(tenant).unwrap_or(&base))
        })
    })
    .await;
    let call = json!({ "name": "a", "arguments": {} });
    let lax = world.caller("lax-corp/alice", "A");
    assert!(lax.call("tools/call", call.clone()).await.is_result());
    let strict = world.caller("strict-corp/alice", "A");
    let answer = strict.call("tools/call", call.clone()).await;
    assert_eq!(answer.status, 403);
    assert!(answer.challenge().unwrap().contains(r#"scope="A B""#));
    let list = strict.call("tools/list", json!({})).await;
    assert!(!list.names("tools", "name").contains(&"a"));
    assert!(world.caller("strict-corp/alice", "B").call("tools/call", call).await.is_result());
}
