//! The code with which the first user signs in, printed when a server starts in front of a person.
//!
//! 1. It is printed only where the server listens on this machine alone, and standard output is a
//!    terminal: never to a log, and never where others could use it.
//! 2. It is another one at each start, lives for an hour, and works once.
//! 3. It is recorded as one of `users code` is, and none is made while that could not be recorded.

use std::{io::Write, net::SocketAddr, sync::Arc};

use audit_log::AuditLog;
use auth_core::{Clock, Issuer, audit::Change};
use bartizan::{NoRoomError, Recorder};
use directory::{
    Directory, DirectoryError, User, UserName,
    authorization::{AuthorizationStore, OneTimeKind},
};
use issuer::sign_in::{OneTimeCode, START_CODE_LIFETIME};
use terminal::{Invocation, Program};

use crate::{command::context::who, failure::Failure, random::random};

/// The user who signs in first, if there is one of this subject.
const FIRST_USER: &str = "alice";
/// The role of the user who signs in first otherwise.
const FIRST_ROLE: &str = "admin";

/// Makes codes of the users of an issuer.
pub(crate) struct StartCode {
    pub(super) issuer: Issuer,
    pub(super) store: AuthorizationStore,
    pub(super) clock: Arc<dyn Clock>,
}

impl StartCode {
    /// Prints a code of the first user, if `out` is in front of a person and the server listens on
    /// this machine alone.
    pub(crate) async fn offer(
        self,
        address: SocketAddr,
        is_terminal: bool,
        audit: Option<&AuditLog>,
        invocation: &Invocation,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        if !address.ip().is_loopback() || !is_terminal {
            return Ok(());
        }
        let Some(user) = self.first_user().await? else { return Ok(()) };
        let room = match audit {
            Some(log) => match log.reserve().await {
                Ok(room) => Some((log, room)),
                // The log of the server says why.
                Err(NoRoomError) => return Ok(()),
            },
            None => None,
        };
        let code = OneTimeCode::from_random(random()?);
        let until = self.clock.now().plus(START_CODE_LIFETIME);
        let digest = code.digest();
        if !self.store.add_one_time(&user, OneTimeKind::Code, &digest, until).await? {
            return Ok(());
        }
        if let Some((log, room)) = room {
            log.record_change_in(
                room,
                Change {
                    by: who(),
                    command: "users code".to_owned(),
                    object: Some(user.subject.as_str().to_owned()),
                    issuer: Some(user.issuer.as_str().to_owned()),
                    detail: Some("at the start".to_owned()),
                },
            );
        }
        let base = self.issuer.as_str().trim_end_matches('/');
        let subject = auth_core::display::escape(user.subject.as_str());
        let connect = invocation.command(Program::Server, "connect --help");
        let text = format!(
            "Sign in as {subject} with the code {}, once, within an hour: a program that connects opens the page\n\
             Account page {base}/account, programs that can connect: `{connect}`\n",
            code.expose()
        );
        // A reader that has gone does not stop the server.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        Ok(())
    }

    /// The user with the name of the first one, else the first administrator.
    async fn first_user(&self) -> Result<Option<UserName>, DirectoryError> {
        let users = self.store.users().list().await?;
        let mut ours =
            users.iter().filter(|user| user.issuer() == &self.issuer && user.is_active());
        let is_admin = |user: &&User| user.roles().iter().any(|role| role.as_str() == FIRST_ROLE);
        let first = ours.clone().find(|user| user.subject().as_str() == FIRST_USER);
        Ok(first.or_else(|| ours.find(is_admin)).map(|user| UserName {
            issuer: user.issuer().clone(),
            subject: user.subject().clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use audit_log::AuditConfig;
    use auth_core::Algorithm;
    use directory::{AnyDirectory, NewUser, Stamp};
    use testkit::{ISSUER, ManualClock, NOW, TestKey};

    use super::*;

    async fn printed(
        users: &[(&str, &str)],
        address: &str,
        is_terminal: bool,
    ) -> (String, StartCode) {
        let store = AnyDirectory::open("sqlite::memory:").await.unwrap();
        let clock = ManualClock::at(NOW);
        for (subject, role) in users {
            let user = NewUser {
                issuer: ISSUER.parse().unwrap(),
                subject: subject.parse().unwrap(),
                display_name: (*subject).into(),
                roles: [role.parse().unwrap()].into(),
            };
            store.add(user, &Stamp::new("test", clock.now())).await.unwrap();
        }
        let made = || StartCode {
            issuer: ISSUER.parse().unwrap(),
            store: AuthorizationStore::new(store.clone()),
            clock: clock.clone(),
        };
        let mut out = Vec::new();
        let invocation = Invocation::workspace(Program::Server);
        let address = address.parse().unwrap();
        made().offer(address, is_terminal, None, &invocation, &mut out).await.unwrap();
        (String::from_utf8(out).unwrap(), made())
    }

    #[tokio::test]
    async fn a_code_is_recorded_and_none_is_made_while_that_cannot_be_done() {
        let (_, start) = printed(&[("alice", "admin")], "127.0.0.1:1", false).await;
        let folder = tempfile::tempdir().unwrap();
        let config = AuditConfig {
            file: folder.path().join("audit.jsonl"),
            key: TestKey::shared(Algorithm::Es256).signing(),
            node: "a".into(),
            max_bytes: u64::MAX,
            max_full_files: None,
            checkpoint_records: 10,
            is_copied: false,
        };
        let log = AuditLog::open(&config, None, &start.clock).unwrap();
        let invocation = Invocation::workspace(Program::Server);
        let again = || StartCode {
            issuer: start.issuer.clone(),
            store: start.store.clone(),
            clock: Arc::clone(&start.clock),
        };
        let offered = async |start: StartCode| {
            let mut out = Vec::new();
            let address = "127.0.0.1:1".parse().unwrap();
            start.offer(address, true, Some(&log), &invocation, &mut out).await.unwrap();
            String::from_utf8(out).unwrap()
        };
        let text = offered(again()).await;
        let code = text.split("code ").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
        log.close();
        assert_eq!(offered(again()).await, "");
        let text = std::fs::read_to_string(&config.file).unwrap();
        assert!(!text.contains(code), "{text}");
        let recorded = "\"command\":\"users code\",\"object\":\"alice\",\
                        \"issuer\":\"http://localhost:8000\",\"detail\":\"at the start\"";
        assert_eq!(text.matches(recorded).count(), 1, "{text}");
    }

    #[tokio::test]
    async fn the_first_user_gets_a_code_that_works_once() {
        let users = [("bob", "user"), ("zoe", "admin"), ("alice", "admin")];
        let (text, start) = printed(&users, "127.0.0.1:8000", true).await;
        let code: OneTimeCode = text
            .strip_prefix("Sign in as alice with the code ")
            .and_then(|rest| rest.split(',').next())
            .unwrap_or_else(|| panic!("{text}"))
            .parse()
            .unwrap();
        let user = start.first_user().await.unwrap().unwrap();
        let now = start.clock.now();
        assert!(start.store.use_code(&user, &code.digest(), now).await.unwrap());
        assert!(!start.store.use_code(&user, &code.digest(), now).await.unwrap());
    }

    #[tokio::test]
    async fn without_alice_it_is_an_administrator_and_else_nobody() {
        let (text, _) = printed(&[("bob", "user"), ("zoe", "admin")], "[::1]:1", true).await;
        assert!(text.starts_with("Sign in as zoe "), "{text}");
        let (text, _) = printed(&[("bob", "user")], "127.0.0.1:1", true).await;
        assert_eq!(text, "");
    }

    #[tokio::test]
    async fn no_code_is_printed_to_a_log_or_where_others_reach_the_server() {
        let users = [("alice", "admin")];
        for (address, is_terminal) in
            [("127.0.0.1:1", false), ("0.0.0.0:1", true), ("192.0.2.1:1", true), ("[::]:1", true)]
        {
            assert_eq!(printed(&users, address, is_terminal).await.0, "", "{address}");
        }
    }
}
