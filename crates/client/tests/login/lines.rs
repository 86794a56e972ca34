//! Challenges as other servers write them: with spaces, among others, in any of several header
//! lines.

use crate::{
    support::User,
    world::{Knobs, World},
};

/// A server whose tool `two` needs more, and whose issuer is named in its challenge alone.
fn knobs() -> Knobs {
    Knobs { needs: [("two", vec!["write"])].into(), ..Knobs::default() }
}

#[tokio::test]
async fn a_challenge_is_read_wherever_it_stands() {
    for (lines_before, is_spaced) in [
        (vec![], true),
        (vec!["DPoP algs=\"ES256\""], false),
        (vec!["Basic realm=\"a, b\", Negotiate"], true),
        (vec!["Bearer"], false),
        (vec!["Negotiate YII/a==", "Bearer realm=\"x\"", "DPoP algs=\"ES256 RS256\""], true),
        (vec!["Basic realm=\"open"], false),
        (vec!["Basic realm=\"gr\u{fc}n\""], false),
    ] {
        let seen = format!("{lines_before:?} {is_spaced}");
        let (world, user) = (World::new(knobs()).await, User::new());
        world.change(|knobs| {
            knobs.lines_before = lines_before;
            knobs.is_spaced = is_spaced;
        });
        // 401: where to sign in, and for what.
        user.login(&world).await;
        let resource = world.url();
        assert_eq!(world.log("authorize"), [format!("authorize read {resource}")], "{seen}");
        // 403: for what besides.
        let call = user.browse(&world, &["call", "two", "--yes"]).await.expect(0);
        assert_eq!(call.stdout, "called two\n", "{seen}");
        let last = world.log("authorize").pop();
        assert_eq!(last, Some(format!("authorize read write {resource}")), "{seen}");
    }
}

#[tokio::test]
async fn a_script_is_told_the_scopes_whichever_line_they_are_in() {
    let (world, user) = (World::new(knobs()).await, User::new());
    user.login(&world).await;
    world.change(|knobs| knobs.lines_before = vec!["DPoP algs=\"ES256\""]);
    user.run(&world, &["call", "two"]).await.expect(5).says("needed   write");
}
