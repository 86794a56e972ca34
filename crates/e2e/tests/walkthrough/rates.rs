//! A rate in the policy, as a caller and an operator see it.

use std::fs;

use crate::world::World;

#[test]
fn a_call_beyond_the_rate_says_when_to_try_again() {
    let world = World::ready();
    let policy = include_str!("../../../server/policy.toml");
    let rule = "get_time = \"Admin.Write\"";
    assert!(policy.contains(rule), "{policy}");
    let rated = policy.replace(rule, "get_time = { all = [\"Admin.Write\"], rate = \"1/h\" }");
    fs::write(world.path("rated.toml"), rated).unwrap();
    let server = world.start(&["--policy", "rated.toml"], &[]);
    world.client(&server, &[]).expect_code(0);
    let said = world
        .client(&server, &[])
        .expect_code(6)
        .expect_err(&["limits how often you may ask (HTTP 429)", "hint: try again in "]);
    assert!(!said.err.contains("sign in"), "{}", said.err);
    let log = server.log_with("-> Limit reached!");
    let line = log.lines().find(|line| line.contains("-> Limit reached!")).unwrap();
    assert!(line.contains("subject=\"alice\" action=tools/call get_time"), "{line}");
    world.client(&server, &["call", "whoami"]).expect_code(0);

    world
        .run("server", &["policy", "table", "--policy", "rated.toml"])
        .expect_code(0)
        .expect_out(&["Admin.Write, at most 1/h for each caller"]);
    fs::write(world.path("builtin.toml"), policy).unwrap();
    let limits = format!(
        "[limits]\ncaller = \"600/min\"\n{}",
        fs::read_to_string(world.path("rated.toml")).unwrap()
    );
    fs::write(world.path("limited.toml"), limits).unwrap();
    world
        .run("server", &["policy", "diff", "builtin.toml", "limited.toml"])
        .expect_code(0)
        .expect_out(&[
            "needed Admin.Write; needs Admin.Write, at most 1/h for each caller",
            "[limits] caller: needed no limit; needs 600/min",
        ]);
    let case = |rate: &str| {
        format!(
            "[[case]]\nname = \"the time\"\nroles = [\"admin\"]\ntool = \"get_time\"\nexpect = \"permit\"\nrate = \"{rate}\"\n"
        )
    };
    fs::write(world.path("right.toml"), case("1/h")).unwrap();
    fs::write(world.path("wrong.toml"), case("2/h")).unwrap();
    let test =
        |file: &str| world.run("server", &["policy", "test", file, "--policy", "rated.toml"]);
    test("right.toml").expect_code(0);
    test("wrong.toml").expect_code(2).expect_out(&["expected permit, at 2/h, found 1/h"]);
    fs::write(world.path("none.toml"), case("often")).unwrap();
    test("none.toml").expect_code(2).expect_err(&["rate: not a rate: write a number"]);
}
