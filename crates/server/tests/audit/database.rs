//! A PostgreSQL database into which servers copy their logs.

use std::fs;

use testkit::Postgres;

use crate::world::World;

pub(crate) const PASSWORD: &str = "a-password-of-the-role";

/// A database with the table, and who may do what with it.
pub(crate) struct Database {
    pub(crate) postgres: Postgres,
    /// As the owner of the table.
    owner: String,
    /// As the role that servers have.
    pub(crate) role: String,
}

/// The file that makes the table and the role.
pub(crate) fn sql() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/deploy/audit.sql");
    fs::read_to_string(path).unwrap()
}

impl Database {
    /// `None` on a machine without PostgreSQL, where none is required.
    pub(crate) async fn start() -> Option<Self> {
        let started = tokio::task::spawn_blocking(|| {
            let postgres = Postgres::for_tests()?;
            let owner = postgres.url();
            postgres.query(&owner, &sql()).unwrap();
            let password = format!("ALTER ROLE bartizan_audit PASSWORD '{PASSWORD}'");
            postgres.query(&owner, &password).unwrap();
            let (_, place) = owner.split_once('@').unwrap();
            let role = format!("postgres://bartizan_audit:{PASSWORD}@{place}");
            Some(Self { postgres, owner, role })
        });
        started.await.unwrap()
    }

    pub(crate) fn ask(&self, sql: &str) -> String {
        self.postgres.query(&self.owner, sql).unwrap()
    }

    pub(crate) fn count(&self) -> usize {
        self.ask("SELECT count(*) FROM audit_records").parse().unwrap()
    }

    /// A world whose server copies its log there.
    pub(crate) fn world(&self, more: &[(&str, &str)]) -> World {
        let database = [("AUDIT_DATABASE_URL", self.role.as_str())];
        World::with(&[&database[..], more].concat())
    }

    /// The same with some records of a server and of commands, all of them copied.
    pub(crate) async fn written(&self) -> World {
        let mut world = self.world(&[("AUDIT_CHECKPOINT_RECORDS", "4")]);
        world.start();
        let token = world.token("bob", "User.Read");
        for _ in 0..6 {
            assert_eq!(world.call(Some(&token)).await, 200);
        }
        assert_eq!(world.call(None).await, 401);
        drop(world.run(&["users", "disable", "alice"]).expect(0));
        world.stop();
        assert_eq!(self.count(), records(&world));
        world
    }
}

/// How many records the files have.
pub(crate) fn records(world: &World) -> usize {
    let files = fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|it| it == "jsonl"));
    files.map(|path| fs::read_to_string(path).unwrap().lines().count()).sum()
}
