//! Which server is whose, started and ended when.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use auth_core::Owner;
use tokio::sync::Mutex;
use upstream::{
    link::{Link, stdio::StdioServer},
    pool::{Backoff, Bounds, BoundsConfig, Instances, Key, Lease, Pool, PoolConfig, PoolError},
    warden::Warden,
};

use super::support::{call, closed, config, send, until};

type Connection = Mutex<Link>;

struct World {
    pool: Pool<StdioServer, Connection>,
    bounds: Bounds,
    starts: Arc<AtomicUsize>,
}

fn owner(number: usize) -> Owner {
    Owner::Principal {
        issuer: "https://issuer.example".parse().unwrap(),
        subject: format!("user-{number}").parse().unwrap(),
        client_id: None,
    }
}

/// A key of the same user, through another client.
fn through(client: usize, number: usize) -> Key {
    let Owner::Principal { issuer, subject, .. } = owner(number) else { unreachable!() };
    let client_id = Some(format!("client-{client}").parse().unwrap());
    Key::new(Instances::PerOwner, &Owner::Principal { issuer, subject, client_id }, None)
}

fn key(number: usize) -> Key {
    Key::new(Instances::PerOwner, &owner(number), None)
}

impl World {
    fn new(config: PoolConfig, bounds: BoundsConfig) -> Self {
        let config_of_child = Arc::new(super::support::config());
        Self::of(StdioServer { config: config_of_child, warden: Warden::none() }, config, bounds)
    }

    fn of(server: StdioServer, config: PoolConfig, bounds: BoundsConfig) -> Self {
        let bounds = Bounds::new(bounds);
        let pool = Pool::new(server, config, bounds.clone());
        Self { pool, bounds, starts: Arc::default() }
    }

    async fn get(&self, key: &Key) -> Result<Lease<Connection>, PoolError> {
        let starts = Arc::clone(&self.starts);
        let handshake = async move |link: Link| {
            starts.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Infallible>(Mutex::new(link))
        };
        self.pool.get(key, handshake).await
    }

    fn starts(&self) -> usize {
        self.starts.load(Ordering::SeqCst)
    }
}

async fn ping(lease: &Lease<Connection>) {
    assert_eq!(call(&mut *lease.lock().await, "ping", 0).await, "{}");
}

async fn crash(lease: &Lease<Connection>) {
    let mut link = lease.lock().await;
    send(&link, "exit", 1).await;
    closed(&mut link).await;
}

#[tokio::test]
async fn a_hundred_owners_have_a_server_each() {
    let world = Arc::new(World::new(
        PoolConfig { patience: Duration::from_mins(1), ..PoolConfig::default() },
        BoundsConfig::default(),
    ));
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                let lease = world.get(&key(number % 100)).await.unwrap();
                ping(&lease).await;
                lease
            })
        })
        .collect();
    let mut leases = Vec::new();
    for call in calls {
        leases.push(call.await.unwrap());
    }
    assert_eq!((world.starts(), world.bounds.taken(), world.pool.len()), (100, 100, 100));
    drop(leases);
    world.pool.end_all();
    tokio::time::timeout(Duration::from_mins(1), world.bounds.empty()).await.unwrap();
}

#[tokio::test]
async fn what_no_one_uses_is_ended_and_what_is_used_is_not() {
    let idle = Duration::from_millis(100);
    let world = World::new(PoolConfig { idle, ..PoolConfig::default() }, BoundsConfig::default());
    let lease = world.get(&key(1)).await.unwrap();
    drop(world.get(&key(2)).await.unwrap());
    until("the idle one has ended", || world.bounds.taken() == 1).await;
    tokio::time::sleep(idle * 3).await;
    ping(&lease).await;
    let again = lease.clone();
    drop(lease);
    tokio::time::sleep(idle * 3).await;
    ping(&again).await;
    drop(again);
    until("the other has ended", || world.bounds.taken() == 0).await;
    ping(&world.get(&key(1)).await.unwrap()).await;
    assert_eq!(world.starts(), 3);
}

#[tokio::test]
async fn for_want_of_room_the_longest_idle_one_is_ended() {
    let bounds = BoundsConfig { total: 2, per_owner: 2 };
    let world = World::new(PoolConfig::default(), bounds);
    let kept = world.get(&key(1)).await.unwrap();
    drop(world.get(&key(2)).await.unwrap());
    let third = world.get(&key(3)).await.unwrap();
    ping(&third).await;
    ping(&kept).await;
    assert_eq!(world.bounds.taken(), 2);
    // Those in use are not ended.
    assert!(matches!(world.get(&key(2)).await, Err(PoolError::Full)));
    drop(third);
    ping(&world.get(&key(2)).await.unwrap()).await;
}

#[tokio::test]
async fn one_user_has_no_more_servers_through_more_clients() {
    let bounds = BoundsConfig { total: 10, per_owner: 2 };
    let world = World::new(PoolConfig::default(), bounds);
    let first = world.get(&through(1, 1)).await.unwrap();
    let second = world.get(&through(2, 1)).await.unwrap();
    assert!(matches!(world.get(&through(3, 1)).await, Err(PoolError::OwnerFull)));
    assert!(world.get(&through(3, 2)).await.is_ok(), "another user");
    assert_eq!(world.starts(), 3, "each client has its own");
    ping(&first).await;
    ping(&second).await;
}

#[tokio::test]
async fn the_starts_of_one_user_do_not_hold_up_those_of_others() {
    let config = PoolConfig { max_starting: 2, ..PoolConfig::default() };
    let world = Arc::new(World::new(config, BoundsConfig::default()));
    let never = async |link: Link| {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Mutex::new(link))
    };
    let stuck: Vec<_> = (0..4)
        .map(|client| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.pool.get(&through(client, 1), never).await.map(drop) })
        })
        .collect();
    until("one of them starts", || world.bounds.taken() == 1).await;
    ping(&world.get(&key(2)).await.unwrap()).await;
    assert_eq!(world.bounds.taken(), 2, "the first user starts one at a time");
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn one_owner_does_not_take_the_room_of_others() {
    let bounds = BoundsConfig { total: 10, per_owner: 2 };
    let world = World::new(PoolConfig::default(), bounds);
    let of = |owner_number: usize, session: &str| {
        Key::new(Instances::PerSession, &owner(owner_number), Some(session))
    };
    let other = world.get(&of(2, "a")).await.unwrap();
    let first = world.get(&of(1, "a")).await.unwrap();
    let second = world.get(&of(1, "b")).await.unwrap();
    assert!(matches!(world.get(&of(1, "c")).await, Err(PoolError::OwnerFull)));
    // Its own idle one makes room, another's does not.
    drop(other);
    assert!(matches!(world.get(&of(1, "c")).await, Err(PoolError::OwnerFull)));
    drop(first);
    ping(&world.get(&of(1, "c")).await.unwrap()).await;
    ping(&second).await;
    assert_eq!(world.bounds.taken(), 3);
}

#[tokio::test]
async fn a_server_that_crashed_is_started_again_and_then_with_backoff() {
    let backoff = Backoff { first: Duration::from_secs(1_000), ..Backoff::default() };
    let longest = Duration::from_secs(1_000);
    let config = PoolConfig { backoff: Backoff { longest, ..backoff }, ..PoolConfig::default() };
    let world = World::new(config, BoundsConfig::default());
    crash(&world.get(&key(1)).await.unwrap()).await;
    until("it is known", || world.pool.is_empty()).await;
    // The first restart is immediate.
    crash(&world.get(&key(1)).await.unwrap()).await;
    until("it is known", || world.pool.is_empty()).await;
    let refused = world.get(&key(1)).await;
    assert!(matches!(refused, Err(PoolError::Backoff(_))), "{refused:?}");
    // Of another owner nothing has failed.
    ping(&world.get(&key(2)).await.unwrap()).await;
    assert_eq!(world.starts(), 3);
}

#[tokio::test]
async fn a_restart_that_is_soon_is_waited_for() {
    let backoff = Backoff { first: Duration::from_millis(50), ..Backoff::default() };
    let world =
        World::new(PoolConfig { backoff, ..PoolConfig::default() }, BoundsConfig::default());
    for _ in 0..4 {
        crash(&world.get(&key(1)).await.unwrap()).await;
        until("it is known", || world.pool.is_empty()).await;
    }
    assert_eq!(world.starts(), 4);
}

#[tokio::test]
async fn a_server_that_is_not_ready_in_time_is_ended() {
    let start_timeout = Duration::from_millis(300);
    let config = PoolConfig { start_timeout, ..PoolConfig::default() };
    let world = World::new(config, BoundsConfig::default());
    let never = async |link: Link| {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Mutex::new(link))
    };
    let refused = world.pool.get(&key(1), never).await;
    assert!(matches!(refused, Err(PoolError::TooSlow(_))), "{refused:?}");
    until("it has ended", || world.bounds.taken() == 0 && world.pool.is_empty()).await;
}

#[tokio::test]
async fn a_server_that_cannot_be_started_or_refuses_the_handshake_says_so_to_all_who_wait() {
    let mut broken = config();
    broken.program = "no-such-program".into();
    let server = StdioServer { config: Arc::new(broken), warden: Warden::none() };
    let world = World::of(server, PoolConfig::default(), BoundsConfig::default());
    let key_of_both = key(1);
    let all = tokio::join!(world.get(&key_of_both), world.get(&key_of_both));
    for refused in [all.0, all.1] {
        assert!(matches!(refused, Err(PoolError::NotStarted(_))), "{refused:?}");
    }
    assert_eq!((world.starts(), world.bounds.taken(), world.pool.len()), (0, 0, 0));

    let world = World::new(PoolConfig::default(), BoundsConfig::default());
    let refuse = async |_link: Link| Err("not this one");
    let refused = world.pool.get(&key(1), refuse).await;
    assert!(matches!(refused, Err(PoolError::Handshake(_))), "{refused:?}");
    until("it has ended", || world.bounds.taken() == 0).await;
}

#[tokio::test]
async fn a_start_goes_on_without_the_one_who_asked_for_it() {
    let world = World::new(PoolConfig::default(), BoundsConfig::default());
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (go_on, going_on) = tokio::sync::oneshot::channel::<()>();
    let starts = Arc::clone(&world.starts);
    let pool = world.pool.clone();
    let first = tokio::spawn(async move {
        let handshake = async move |link: Link| {
            starts.fetch_add(1, Ordering::SeqCst);
            begun.send(()).unwrap();
            going_on.await.unwrap();
            Ok::<_, Infallible>(Mutex::new(link))
        };
        pool.get(&key(1), handshake).await
    });
    has_begun.await.unwrap();
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    go_on.send(()).unwrap();
    ping(&world.get(&key(1)).await.unwrap()).await;
    assert_eq!(world.starts(), 1);
}

#[tokio::test]
async fn a_server_that_was_ended_is_not_given_to_anyone_anew() {
    let world = World::new(PoolConfig::default(), BoundsConfig::default());
    let lease = world.get(&key(1)).await.unwrap();
    world.pool.end(&key(1));
    ping(&world.get(&key(1)).await.unwrap()).await;
    assert_eq!(world.starts(), 2);
    // Who uses it goes on.
    ping(&lease).await;
    drop(lease);
    until("it has ended", || world.bounds.taken() == 1).await;
}
