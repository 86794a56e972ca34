//! A certificate that is replaced while the server runs.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use listener::{Limits, Socket, Tls};

use crate::world::{Authority, World, read, request1, request2};

#[tokio::test]
async fn connections_stay_as_they_are_and_new_ones_have_the_new_certificate() {
    let world = World::new(Limits::default()).await;
    let (mut first, mut second) = (world.http1().await, world.http2().await);
    let (done, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let load: Vec<_> = (0..8)
        .map(|_| {
            let (mut own, done, asked) = (second.clone(), Arc::clone(&done), Arc::clone(&asked));
            tokio::spawn(async move {
                while !done.load(SeqCst) {
                    assert_eq!(read(own.send_request(request2("/large"))).await.0, 200);
                    asked.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    let stream = world.connect(world.client(&[])).await.unwrap();
    let before = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    for _ in 0..20 {
        let reached = asked.load(SeqCst) + 8;
        world.tls.replace(&world.authority.certificate(), None).unwrap();
        let stream = world.connect(world.client(&[])).await.unwrap();
        let after = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        assert_ne!(before, after);
        crate::world::until(|| asked.load(SeqCst) >= reached).await;
    }
    done.store(true, SeqCst);
    for task in load {
        task.await.unwrap();
    }
    assert_eq!(read(first.send_request(request1("/"))).await.0, 200);
    assert_eq!(read(second.send_request(request2("/"))).await.0, 200);
}

#[tokio::test]
async fn a_session_is_not_resumed_beyond_the_authorities_that_verified_it() {
    let clients = Authority::new();
    let world = World::with_clients_of(Some(clients.clients()), Limits::default()).await;
    let (_, key, der) = clients.signed();
    // One configuration keeps its sessions.
    let config = world.client_with(&["http/1.1"], Some((der, &key)));
    let ask = async |config| {
        let stream = world.connect(config).await.ok()?;
        let mut client = crate::world::http1(stream).await;
        let answer =
            tokio::time::timeout(crate::world::PATIENCE, client.send_request(request1("/from")));
        Some(answer.await.unwrap().ok()?.status().as_u16())
    };
    assert_eq!(ask(config.clone()).await, Some(200));
    let others = Authority::new();
    world.tls.replace(&world.authority.certificate(), Some(&others.clients())).unwrap();
    assert_eq!(ask(config).await, None);
}

#[tokio::test]
async fn without_a_certificate_no_handshake_succeeds() {
    let world = World::new(Limits::default()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let without = World { address: listener.local_addr().unwrap(), ..world };
    let socket = Socket::Tls(listener, Tls::without_certificate());
    crate::world::start(socket, &without.stop);
    assert!(without.connect(without.client(&[])).await.is_err());
}
