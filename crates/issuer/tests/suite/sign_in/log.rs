//! Nothing secret is in the log.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing_subscriber::fmt::MakeWriter;

use super::{PASSWORD, add_code, add_link, codes_on, key_on, set_password, sign_in, totp};
use crate::common::World;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_is_in_the_log_at_any_level() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(captured.clone())
        .finish();
    // For all threads: with one subscriber of this thread alone, tracing turns a line off for good
    // when another thread is the first to reach it. So this has the lines of other tests as well.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let world = World::new().await;
    set_password(&world, "alice").await;
    let (code, link) = (add_code(&world, "alice").await, add_link(&world, "alice").await);
    let mut secrets: Vec<String> =
        [PASSWORD, code.expose(), link.expose(), "a wrong guess of it"].map(Into::into).to_vec();
    let mut browser = world.browser();
    sign_in(&mut browser, "alice", "a wrong guess of it").await;
    // A password in the field of the name is a usual mistake.
    sign_in(&mut browser, PASSWORD, "alice").await;
    sign_in(&mut browser, "alice", code.expose()).await;
    secrets.extend(browser.cookies.values().cloned());
    let mut other = world.browser();
    let page = other.get(&format!("/sign-in/link?token={}", link.expose())).await;
    other.submit(page.form("/sign-in/link"), &[]).await;
    secrets.extend(other.cookies.values().cloned());
    sign_in(&mut world.browser(), "alice", PASSWORD).await;
    let page = other.get("/account").await;
    let page = other.submit(page.form("/account/second-factor"), &[]).await;
    let key = key_on(&page);
    let digits = totp(&world, &key, 0);
    let form = page.form("/account/second-factor/confirm");
    secrets.extend(codes_on(&other.submit(form, &[("code", &digits)]).await));
    secrets.push(key);
    let page = other.get("/account").await;
    let fields = [("new_password", "a lamp walks over the hill")];
    let fields = [fields[0], ("repeated_password", fields[0].1), ("current_password", PASSWORD)];
    other.submit(page.form("/account/password"), &fields).await;
    secrets.push(fields[0].1.into());

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    for line in ["A user has signed in", "An attempt to sign in has failed", "second factor"] {
        assert!(log.contains(line), "{line} is in the log:\n{log}");
    }
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log:\n{log}");
    }
}
