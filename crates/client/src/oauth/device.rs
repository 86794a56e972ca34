//! A person signs in on another device (RFC 8628): rmcp has no such flow, so this one is ours.

use std::{
    io::{self, Write},
    time::Duration,
};

use auth_core::ScopeSet;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    CLIENT_NAME, Discovered, Identity, LoginError, Outward,
    code::register,
    exchange::{store, token_answer},
    loopback,
};
use crate::{
    access::terminal,
    store::{Client, Entry, Grant},
};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How often to ask where the issuer does not say (§3.2), and how much slower if it asks for that (§3.5).
const INTERVAL: u64 = 5;
/// The longest that is waited for, whatever the issuer says.
const MAX_LIFE: u64 = 1800;

#[derive(Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    verification_uri: String,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

/// Shows a code, and waits until it was typed in somewhere.
pub(crate) async fn by_device(
    mut found: Discovered,
    identity: &Identity,
    wanted: Option<&ScopeSet>,
    known: Option<&Client>,
    outward: &Outward,
) -> Result<Entry, LoginError> {
    let endpoint = found.facts.text("device_authorization_endpoint").map(str::to_owned);
    let endpoint = endpoint.ok_or(LoginError::NotOffered("sign-in on another device"))?;
    let scopes = found.scopes(wanted).await;
    let client = client(&mut found, identity, known, &scopes, outward).await?;
    let joined = scopes.join(" ");
    let resource = found.facts.resource.clone();
    let mut form = vec![("client_id", client.id.as_str()), ("resource", resource.as_str())];
    if !joined.is_empty() {
        form.push(("scope", &joined));
    }
    let basic = client.secret.as_deref().map(|secret| (client.id.as_str(), secret));
    let reply = outward.post(&endpoint, &form, basic).await.map_err(unanswered)?;
    let answer: DeviceAnswer = serde_json::from_value(token_answer(&reply)?)
        .map_err(|_| LoginError::Senseless("it is not a device code"))?;
    let page = outward.check(&answer.verification_uri)?;
    let code: String = answer.user_code.chars().filter(char::is_ascii_graphic).take(40).collect();
    // With stderr gone there is nobody to tell; the wait then ends by itself.
    let _ = writeln!(
        io::stderr(),
        "To sign in, open this on any device:\n{page}\nand enter the code {code}"
    );
    let token = tokio::select! {
        token = poll(&found.facts.metadata.token_endpoint, &client, &resource, &answer, outward) => token?,
        () = terminal::interrupted() => return Err(LoginError::Cancelled),
    };
    store(found, Grant::DeviceCode, client, token, scopes).await
}

async fn poll(
    endpoint: &str,
    client: &Client,
    resource: &str,
    answer: &DeviceAnswer,
    outward: &Outward,
) -> Result<Value, LoginError> {
    let form = [
        ("grant_type", DEVICE_CODE),
        ("device_code", answer.device_code.as_str()),
        ("client_id", client.id.as_str()),
        ("resource", resource),
    ];
    let basic = client.secret.as_deref().map(|secret| (client.id.as_str(), secret));
    let deadline = Instant::now() + Duration::from_secs(answer.expires_in.min(MAX_LIFE));
    // Whose endpoint it is, is the server's word: nobody is hammered.
    let mut interval = answer.interval.unwrap_or(INTERVAL).clamp(1, MAX_LIFE);
    loop {
        sleep(Duration::from_secs(interval)).await;
        if Instant::now() > deadline {
            return Err(LoginError::TooLate);
        }
        let reply = outward.post(endpoint, &form, basic).await.map_err(unanswered)?;
        let json = reply.json();
        let code = json.as_ref().and_then(|json| json.get("error")?.as_str());
        match code {
            Some("authorization_pending") => {}
            Some("slow_down") => interval = interval.saturating_add(INTERVAL),
            _ => return token_answer(&reply),
        }
    }
}

async fn client(
    found: &mut Discovered,
    identity: &Identity,
    known: Option<&Client>,
    scopes: &[String],
    outward: &Outward,
) -> Result<Client, LoginError> {
    let named = |id: &str, secret: Option<&String>| Client {
        id: id.to_owned(),
        secret: secret.cloned(),
        redirect_uri: None,
        dynamic: false,
    };
    if let Some(id) = &identity.client_id {
        return Ok(named(id, identity.client_secret.as_ref()));
    }
    if let Some(document) = &identity.document
        && found.facts.says("client_id_metadata_document_supported")
    {
        return Ok(named(document, None));
    }
    // One that registered itself for a browser is not the one that may do this.
    if let Some(client) = known.filter(|client| !client.dynamic || client.redirect_uri.is_none()) {
        return Ok(client.clone());
    }
    let Some(endpoint) = found.facts.metadata.registration_endpoint.clone() else {
        return Err(LoginError::NotOffered(
            "registration: get a client id from whoever runs it, and give it as --client-id",
        ));
    };
    let joined = scopes.join(" ");
    for scope in [Some(joined).filter(|scope| !scope.is_empty()), None] {
        let reply = outward.post_json(&endpoint, &registration(scope)).await.map_err(unanswered)?;
        let answer = reply.json().filter(|_| reply.status.is_success());
        let text = |name: &str| answer.as_ref()?.get(name)?.as_str().map(str::to_owned);
        if let Some(id) = text("client_id") {
            return Ok(Client { dynamic: true, ..named(&id, text("client_secret").as_ref()) });
        }
    }
    // An issuer that only knows clients with a page to come back to.
    let config = register(&mut found.manager, &loopback::redirect_uri(1), scopes).await?;
    Ok(Client { dynamic: true, ..named(&config.client_id, config.client_secret.as_ref()) })
}

/// A client that may do this and nothing else (RFC 7591 §2). rmcp's own registration is for those with a
/// browser, and strict issuers do not let such a one ask for a device code.
fn registration(scope: Option<String>) -> Value {
    let mut document = json!({
        "client_name": CLIENT_NAME,
        "application_type": "native",
        "grant_types": [DEVICE_CODE, "refresh_token"],
        "redirect_uris": [],
        "response_types": [],
        "token_endpoint_auth_method": "none",
    });
    if let (Some(document), Some(scope)) = (document.as_object_mut(), scope) {
        document.insert("scope".to_owned(), scope.into());
    }
    document
}

fn unanswered(fault: super::outward::OutwardError) -> LoginError {
    LoginError::Unanswered { what: "the issuer", fault }
}
