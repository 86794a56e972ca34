//! Certificates that are replaced while the server runs.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
};

use rcgen::SanType;

use crate::world::{World, call, ended};

const IN_FORCE: &str = "Read again, and in force: the TLS certificate";
const REFUSED: &str = "Read again, and refused, so that the old one stays in force: the TLS";

#[tokio::test]
async fn a_new_certificate_is_in_force_and_no_call_is_dropped() {
    let world = World::new();
    let server = world.start(&[]);
    let (client, done) = (world.client().build().unwrap(), Arc::new(AtomicBool::new(false)));
    let (url, token) = (server.url("/mcp"), world.token());
    let calls: Vec<_> = (0..4)
        .map(|_| {
            let (client, done) = (client.clone(), Arc::clone(&done));
            let (url, token) = (url.clone(), token.clone());
            tokio::spawn(async move {
                let mut count = 0;
                while !done.load(SeqCst) || count == 0 {
                    let answer = call(&client, &url, &token).send().await.unwrap();
                    assert_eq!(answer.status().as_u16(), 200);
                    answer.bytes().await.unwrap();
                    count += 1;
                }
            })
        })
        .collect();
    world.renew("localhost", |params| {
        params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
    });
    server.logs(IN_FORCE).await;
    done.store(true, SeqCst);
    for call in calls {
        call.await.unwrap();
    }
    // The open connections go on; a new one meets the new certificate.
    assert!(client.get(server.url("/readyz")).send().await.is_ok());
    let url = server.url("/readyz").replace("localhost", "127.0.0.1");
    let new = world.client().build().unwrap();
    assert!(new.get(url).send().await.is_ok(), "the old one is not for this name");
}

#[tokio::test]
async fn a_bad_new_certificate_is_refused_and_the_old_one_serves() {
    let world = World::new();
    let server = world.start(&[]);
    let ready = async || {
        let client = world.client().build().unwrap();
        let answer = client.get(server.url("/readyz")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        answer.text().await.unwrap()
    };
    let good = fs::read_to_string(world.path("cert.pem")).unwrap();
    let key = fs::read_to_string(world.path("key.pem")).unwrap();
    world.put("cert.pem", "nothing");
    server.logs(REFUSED).await;
    let said = "a change of the TLS certificate is refused, as it is invalid since";
    assert!(ready().await.contains(said), "{}", ready().await);
    world.renew("localhost", ended);
    server.logs("the certificate has ended, at 2020-01-01").await;
    assert!(ready().await.contains("is refused, as it has ended since"));
    world.renew("other.example", |_| {});
    server.logs("the certificate is for other names than localhost, the host of MCP_RES").await;
    assert!(ready().await.contains("is refused, as it is for another name since"));
    world.put("key.pem", &key);
    server.logs("the private key is not that of the first certificate").await;
    world.put("cert.pem", &good);
    server.logs("Read again, and as before: the TLS certificate").await;
    assert_eq!(ready().await, "ready\n");
    assert!(!server.log().contains(IN_FORCE));
    assert!(!server.log().contains("PRIVATE KEY"));
}

#[tokio::test]
async fn the_operator_asks_and_is_told() {
    let world = World::new();
    let server = world.start(&[]);
    server.signal("-HUP");
    server.logs("Read again, and as before: the TLS certificate").await;
}
