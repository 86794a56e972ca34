use tokio::time::advance;

use super::*;

fn policy(limits: &str) -> Policy {
    let document = format!(
        "[scopes]\nA = \"a\"\n[tools]\nfast = \"A\"\nslow = {{ all = [\"A\"], rate = \"2/min\" }}\n{limits}"
    );
    Policy::try_from(toml::from_str::<auth_core::PolicyDocument>(&document).unwrap()).unwrap()
}

fn user(name: &str, client: &str) -> Owner {
    Owner::Principal {
        issuer: "https://issuer.example".parse().unwrap(),
        subject: name.parse().unwrap(),
        client_id: Some(client.parse().unwrap()),
    }
}

fn tool(name: &str) -> Action {
    Action::CallTool(name.into())
}

#[tokio::test(start_paused = true)]
async fn each_caller_has_a_budget_for_a_rule_that_fills_up_evenly() {
    let (limits, policy) = (RateLimits::new(), policy(""));
    let call = |name: &str, client: &str, action: &str| {
        limits.spend_for_action(&policy, &tool(action), &user(name, client), None)
    };
    for _ in 0..2 {
        call("alice", "one", "slow").unwrap();
    }
    let error = call("alice", "other", "slow").unwrap_err();
    assert_eq!(error.to_string(), "[tools] \"slow\" allows each caller 2/min: try again in 30 s");
    call("bob", "one", "slow").unwrap();
    for _ in 0..100 {
        call("alice", "one", "fast").unwrap();
    }
    advance(Duration::from_millis(29_999)).await;
    assert_eq!(call("alice", "one", "slow").unwrap_err().seconds(), 1);
    advance(Duration::from_millis(1)).await;
    call("alice", "one", "slow").unwrap();
    call("alice", "one", "slow").unwrap_err();
    advance(Duration::from_hours(10)).await;
    for _ in 0..2 {
        call("alice", "one", "slow").unwrap();
    }
    call("alice", "one", "slow").unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn callers_and_clients_have_budgets_for_all_that_they_ask() {
    let limits = RateLimits::new();
    let policy = policy("[limits]\ncaller = \"3/s\"\nclient = \"5/s\"");
    let ask =
        |name: &str, client: &str| limits.spend_for_request(&policy, &user(name, client), None);
    for client in ["a", "b", "a"] {
        ask("alice", client).unwrap();
    }
    let error = ask("alice", "c").unwrap_err().to_string();
    assert_eq!(error, "[limits] allows each caller 3/s: try again in 1 s");
    // Two of the five of client `a` are spent.
    for name in ["bob", "bob", "carol"] {
        ask(name, "a").unwrap();
    }
    let error = ask("carol", "a").unwrap_err().to_string();
    assert_eq!(error, "[limits] allows all users of one client together 5/s: try again in 1 s");
    ask("dave", "b").unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_token_the_address_has_the_budget_and_an_ipv6_network_is_one() {
    let (limits, policy) = (RateLimits::new(), policy("[limits]\ncaller = \"1/h\""));
    let ask = |peer: Option<&str>| {
        let peer = peer.map(|peer| peer.parse().unwrap());
        limits.spend_for_request(&policy, &Owner::Anonymous, peer)
    };
    ask(Some("192.0.2.1")).unwrap();
    ask(Some("::ffff:192.0.2.1")).unwrap_err();
    ask(Some("192.0.2.2")).unwrap();
    ask(Some("2001:db8::1")).unwrap();
    ask(Some("2001:db8::ffff:1")).unwrap_err();
    ask(Some("2001:db8:0:1::1")).unwrap();
    ask(None).unwrap();
    ask(None).unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_replaced_keeps_what_is_spent_unless_the_rate_is_another() {
    let limits = RateLimits::new();
    let spend = |policy: &Policy| limits.spend_for_request(policy, &user("alice", "a"), None);
    let (old, same, other) = (
        policy("[limits]\ncaller = \"1/h\""),
        policy("[limits]\ncaller = \"1/h\""),
        policy("[limits]\ncaller = \"2/h\""),
    );
    spend(&old).unwrap();
    spend(&same).unwrap_err();
    spend(&other).unwrap();
}

#[test]
fn there_are_so_many_budgets_and_no_more() {
    let limits = RateLimits::new();
    let rate = "1/day".parse().unwrap();
    for number in 0..2 * u32::try_from(MAX_BUDGETS).unwrap() {
        let address = Spender::Address(IpAddr::V4(number.into()));
        let _ = limits.spend(Limit::Caller, rate, address);
    }
    assert!(limits.of_addresses.len() <= MAX_BUDGETS, "{}", limits.of_addresses.len());
    assert_eq!(limits.budgets.len(), 0, "those of users are apart");
}
