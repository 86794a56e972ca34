//! "Why was this token refused?", asked of the running server.

use crate::world::World;

#[test]
fn a_running_server_says_why() {
    let world = World::ready();
    let server = world.start(&[], &[]);
    let explain = |token: &str, tool: &str| {
        let args = ["explain", "-", "--tool", tool, "--url", &server.url];
        world.run_reading("mint-token", &args, token)
    };
    let mint = |args: &[&str]| world.run("mint-token", args).expect_code(0).out;

    let good = mint(&[]);
    explain(&good, "get_time").expect_code(0).expect_out(&["permitted: tools/call get_time"]);
    let few = mint(&["--scope", "User.Read"]);
    explain(&few, "get_time").expect_code(4).expect_out(&[
        "fail  granted",
        "mint-token --like token.txt --scope 'Admin.Write User.Read'",
    ]);
    let stranger = mint(&["--sub", "nobody"]);
    explain(&stranger, "get_time").expect_code(4).expect_out(&["server users add nobody"]);
    let elsewhere = mint(&["--aud", "http://localhost:9/mcp"]);
    explain(&elsewhere, "get_time").expect_code(3).expect_out(&["fail  aud"]);

    let for_tool = world
        .run("mint-token", &["--for-tool", "get_time", "--url", &server.url])
        .expect_code(0)
        .expect_err(&["Scopes  Admin.Write\n"]);
    let url = ["--url", server.url.as_str()];
    world.run_with("client", &url, &[("MCP_TOKEN", for_tool.out.trim())]).expect_code(0);

    let log = server.log_with("User has required scope");
    for token in [&good, &few, &stranger, &elsewhere] {
        assert!(!log.contains(token.trim()), "a token is in the log");
    }

    // A caller without Admin.Read is refused.
    world.run("mint-token", &["--scope", "User.Read", "--save"]).expect_code(0);
    explain(&good, "get_time").expect_code(5).expect_err(&["Admin.Read"]);
}
