//! With certificates by ACME: the file that is there besides them.

use std::fs;

use crate::world::{Running, World};

/// A certificate that is kept serves, and no authority can be reached.
fn start(world: &World) -> Running {
    fs::create_dir(world.path("acme")).unwrap();
    let (key, certificate) = (world.path("key.pem"), world.path("cert.pem"));
    let kept = [key, certificate].map(|path| fs::read_to_string(path).unwrap()).concat();
    world.put("acme/certificate.pem", &kept);
    world.start(&[
        ("TLS_CERTIFICATE_FILE", ""),
        ("TLS_KEY_FILE", ""),
        ("TLS_ACME_DIRECTORY", "https://localhost:9/directory"),
        ("TLS_ACME_TERMS_AGREED", "on"),
        ("TLS_ACME_FOLDER", "acme"),
        ("TLS_CLIENT_CA_FILE", "clients.pem"),
    ])
}

#[tokio::test]
async fn authorities_of_clients_are_read_again_beside_acme() {
    let (world, first, second) = (World::new(), World::new(), World::new());
    world.put("clients.pem", &first.authority);
    let server = start(&world);
    let answers = async |clients: &World| {
        let identity = reqwest::Identity::from_pem(clients.signed("client", |_| {}).pem.as_bytes());
        let client = world.client().identity(identity.unwrap()).build().unwrap();
        client.get(server.url("/healthz")).send().await.is_ok()
    };
    assert!(answers(&first).await && !answers(&second).await);
    world.put("clients.pem", "nothing");
    server.logs("clients.pem: there is no certificate in this file").await;
    assert!(answers(&first).await, "the old ones stay");
    let client = world.client().build().unwrap();
    let ready = client.get(server.url("/readyz")).send().await.unwrap().text().await.unwrap();
    let said = "a change of the certificate authorities of clients is refused, as it is invalid";
    assert!(ready.contains(said), "{ready}");
    world.put("clients.pem", &second.authority);
    server.logs("Read again, and in force: the certificate authorities of clients").await;
    assert!(answers(&second).await && !answers(&first).await);
}
