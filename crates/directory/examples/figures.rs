//! How fast a check is, what a user costs in memory, how long loading takes, and how soon a second
//! node knows of a change: `just bench-directory`. Needs Linux for the memory.

#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::{
    error::Error,
    fs,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use auth_core::{Issuer, NumericDate, Subject, SystemClock, TokenId};
use directory::{
    AnyDirectory, CacheSettings, CachedDirectory, Directory, Edit, Stamp, UserName, UserStatus,
};
use testkit::Postgres;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const CHECKS: usize = 2_000_000;
const CHANGES: usize = 100;

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<()> {
    let folder = tempfile::tempdir()?;
    println!("a check, in ns: of the same thousand users, of all at random");
    println!("users      thousand     all  bytes a user  load");
    for users in [10, 10_000, 1_000_000] {
        let url = format!("sqlite://{}", folder.path().join(format!("{users}.db")).display());
        let store = AnyDirectory::open(&url).await?;
        fill(&store, users).await?;
        let before = resident()?;
        let begun = Instant::now();
        let cached = CachedDirectory::load(store, settings()).await?;
        let load = begun.elapsed();
        let bytes = resident()?.saturating_sub(before) / users;
        let (few, all) = (check(&cached, users.min(1000)).await?, check(&cached, users).await?);
        println!("{users:<9}  {few:>8.0}  {all:>6.0}  {bytes:>12}  {load:.2?}");
        cached.close().await;
    }

    println!("\nA change, until a second node refuses:");
    let url = format!("sqlite://{}", folder.path().join("10.db").display());
    second_node("SQLite", &url).await?;
    let server = tokio::task::spawn_blocking(Postgres::for_tests).await?;
    if let Some(server) = server {
        let url = server.database()?;
        fill(&AnyDirectory::open(&url).await?, 10).await?;
        second_node("PostgreSQL", &url).await?;
        tokio::task::spawn_blocking(move || drop(server)).await?;
    } else {
        println!("PostgreSQL is not installed");
    }
    Ok(())
}

fn settings() -> CacheSettings {
    CacheSettings {
        max_in_memory: 2_000_000,
        max_age: Duration::from_mins(1),
        clock: Arc::new(SystemClock),
    }
}

/// Makes `users` of one issuer, each with two roles.
async fn fill(store: &AnyDirectory, users: usize) -> Result<()> {
    let numbers = match store {
        AnyDirectory::Sqlite(_) => {
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1)"
        }
        AnyDirectory::Postgres(_) => "WITH n(i) AS (SELECT * FROM generate_series(0, $1 - 1))",
    };
    let insert = [
        "(issuer, subject, display_name, status, created_at) \
         SELECT 'https://issuer.example', 'user-' || i, 'User ' || i, 'active', 1 FROM n",
        "(issuer, subject, role) SELECT 'https://issuer.example', 'user-' || i, 'user' FROM n",
        "(issuer, subject, role) SELECT 'https://issuer.example', 'user-' || i, 'admin' FROM n",
    ];
    for (table, rows) in ["users", "user_roles", "user_roles"].into_iter().zip(insert) {
        let (columns, select) = rows.split_at(rows.find("SELECT").unwrap_or(0));
        let statement = format!("{numbers} INSERT INTO {table} {columns} {select}");
        let statement = sqlx::AssertSqlSafe(statement);
        let number = i64::try_from(users)?;
        match store {
            AnyDirectory::Sqlite(it) => {
                sqlx::query(statement).bind(number).execute(it.pool()).await?;
            }
            AnyDirectory::Postgres(it) => {
                sqlx::query(statement).bind(number).execute(it.pool()).await?;
            }
        }
    }
    Ok(())
}

/// Nanoseconds for one check: the user, and whether the token is revoked.
async fn check(cached: &CachedDirectory<AnyDirectory>, users: usize) -> Result<f64> {
    let issuer: Issuer = "https://issuer.example".parse()?;
    let id: TokenId = "a-token".parse()?;
    // Names come out of tokens, and which ones is far from the order in memory.
    let names: Vec<Subject> = (0..users.clamp(1000, 100_000))
        .map(|number| format!("user-{}", number.wrapping_mul(7_919) % users).parse())
        .collect::<std::result::Result<_, _>>()?;
    let begun = Instant::now();
    for name in names.iter().cycle().take(CHECKS) {
        let user = cached.find(&issuer, name).await?;
        let revoked = cached.is_revoked(&issuer, &id).await?;
        black_box((user, revoked));
    }
    #[expect(clippy::cast_precision_loss, reason = "two million")]
    Ok(begun.elapsed().as_secs_f64() * 1e9 / CHECKS as f64)
}

/// Disables and enables a user through one node; how long until the other knows.
async fn second_node(kind: &str, url: &str) -> Result<()> {
    let (one, two) = (AnyDirectory::open(url).await?, AnyDirectory::open(url).await?);
    let two = CachedDirectory::load(two, settings()).await?;
    let following = two.clone();
    let following = tokio::spawn(async move { following.keep_fresh().await });
    let name = UserName { issuer: "https://issuer.example".parse()?, subject: "user-1".parse()? };
    let stamp = Stamp::new("figures", NumericDate::from_secs(1_800_000_000)?);
    let mut took = Vec::new();
    for change in 0..CHANGES {
        let is_active = change % 2 == 1;
        let status = if is_active { UserStatus::Active } else { UserStatus::Disabled };
        let _ = one.edit(Edit::SetStatus(name.clone(), status), &stamp).await?;
        let begun = Instant::now();
        loop {
            let user = two.find(&name.issuer, &name.subject).await?;
            if user.is_some_and(|user| user.is_active() == is_active) {
                break;
            }
            tokio::time::sleep(Duration::from_micros(100)).await;
        }
        took.push(begun.elapsed());
    }
    following.abort();
    two.close().await;
    one.close().await;
    took.sort();
    let (median, worst) = (took.get(CHANGES / 2), took.last());
    println!("{kind}: median {median:.1?}, worst {worst:.1?} of {CHANGES}");
    Ok(())
}

/// Bytes of this process in memory.
fn resident() -> Result<usize> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages: usize = text.split(' ').nth(1).ok_or("no memory figure")?.parse()?;
    Ok(pages * 4096)
}
