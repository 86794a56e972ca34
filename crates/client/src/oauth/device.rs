//! A person signs in on another device (RFC 8628): rmcp has no such flow, so this one is ours.
//!
//! 1. While the person types, an issuer that is busy or does not answer is asked again, more slowly
//!    (§3.5): the code still lives.
//! 2. The wait ends when the code does, and the message says after how long that was.

use std::{
    io::{self, Write},
    time::Duration,
};

use auth_core::ScopeSet;
use tokio::time::{Instant, sleep};

use super::{
    Discovered, Identity, LoginError, Outward,
    answer::Answer,
    client_auth::{self, Preferred, method},
    redirect::redirect_uri,
    register::register,
};
use crate::{
    interrupt,
    store::{AuthMethod, Client, Entry, Grant},
};

/// The member of the issuer's metadata that names the endpoint (§4).
pub(crate) const DEVICE_ENDPOINT: &str = "device_authorization_endpoint";

/// Shows the person a page and the code to enter there. Both are plain text.
pub(crate) type ShowCode<'a> = dyn Fn(&str, &str) + Send + Sync + 'a;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// A client that may do this and nothing else (RFC 7591 §2): strict issuers do not let one that was
/// registered for a browser ask for a device code.
const GRANTS: [&str; 2] = [DEVICE_CODE, "refresh_token"];
/// For issuers that know clients with a page to come back to only.
const GRANTS_WITH_PAGE: [&str; 2] = ["authorization_code", "refresh_token"];
/// How often to ask where the issuer does not say (§3.2), and how much slower if it asks for that
/// (§3.5).
const INTERVAL: u64 = 5;
/// The longest that is waited for, whatever the issuer says.
const MAX_LIFE: u64 = 1800;

/// What the person types in, and how long that is good for (§3.2).
struct Pending {
    code: String,
    user_code: String,
    verification_uri: String,
    life: Duration,
    interval: u64,
}

/// Shows a code, and waits until it was typed in somewhere.
pub(crate) async fn device_code(
    found: Discovered,
    identity: &Identity,
    wanted: Option<&ScopeSet>,
    known: Option<&Client>,
    outward: &Outward,
    show: &ShowCode<'_>,
) -> Result<Entry, LoginError> {
    let endpoint = found.info.text(DEVICE_ENDPOINT).map(str::to_owned);
    let endpoint = endpoint.ok_or(LoginError::NotOffered("sign-in on another device"))?;
    let scopes = found.scopes(wanted).await;
    // One that registered itself for a browser is not the one that may do this.
    let mut kept = known.filter(|client| {
        !client.is_forgotten() && (!client.dynamic || client.redirect_uri.is_none())
    });
    loop {
        let client = client(&found, identity, kept, &scopes, outward).await?;
        let is_ours_of_before = client.dynamic && kept.is_some();
        let who = (&client, method(&client, &found.info.metadata, Preferred::Basic));
        match answered(&found, &endpoint, who, &scopes, (outward, show)).await {
            // The issuer may have forgotten it: register anew, once.
            Err(error) if is_ours_of_before && error.is_about_client() => kept = None,
            Err(error) => {
                let secret = client.secret.as_deref();
                return Err(error.without(secret));
            }
            Ok(answer) => {
                let tokens = answer.tokens()?;
                return found.info.entry(Grant::DeviceCode, client, &tokens, scopes);
            }
        }
    }
}

/// Gets a code, shows it, and waits for the answer.
async fn answered(
    found: &Discovered,
    endpoint: &str,
    who: (&Client, AuthMethod),
    scopes: &[String],
    (outward, show): (&Outward, &ShowCode<'_>),
) -> Result<Answer, LoginError> {
    let (joined, resource) = (scopes.join(" "), found.info.resource.as_str());
    let mut form = vec![("resource", resource)];
    if !joined.is_empty() {
        form.push(("scope", &joined));
    }
    let reply = client_auth::post(endpoint, form, who, outward).await?;
    let code = pending(&Answer::read(endpoint, &reply)?)?;
    let page = outward.check(&code.verification_uri)?;
    let shown: String = code.user_code.chars().filter(char::is_ascii_graphic).take(40).collect();
    show(&page.to_string(), &shown);
    tokio::select! {
        answer = poll(&found.info.metadata.token_endpoint, who, resource, &code, outward) => answer,
        () = interrupt::interrupted() => Err(LoginError::Cancelled),
    }
}

fn pending(answer: &Answer) -> Result<Pending, LoginError> {
    let text = |name| answer.text(name).map(str::to_owned);
    let life = answer.seconds("expires_in")?;
    let life = life.ok_or_else(|| answer.unfit("`expires_in` is missing"))?;
    Ok(Pending {
        code: text("device_code")?,
        user_code: text("user_code")?,
        verification_uri: text("verification_uri")?,
        life: Duration::from_secs(life.min(MAX_LIFE)),
        // The server names the endpoint: it is not polled faster than this.
        interval: answer.seconds("interval")?.unwrap_or(INTERVAL).clamp(1, MAX_LIFE),
    })
}

async fn poll(
    endpoint: &str,
    who: (&Client, AuthMethod),
    resource: &str,
    code: &Pending,
    outward: &Outward,
) -> Result<Answer, LoginError> {
    let deadline = Instant::now() + code.life;
    let mut interval = code.interval;
    loop {
        sleep(Duration::from_secs(interval)).await;
        if Instant::now() > deadline {
            return Err(LoginError::SignInTimeout(code.life));
        }
        let form = vec![
            ("grant_type", DEVICE_CODE),
            ("device_code", code.code.as_str()),
            ("resource", resource),
        ];
        let answer = match client_auth::post(endpoint, form, who, outward).await {
            Ok(reply) => {
                Answer::read(endpoint, &reply).map_err(|error| (error, reply.retry_after()))
            }
            Err(error) => Err((error, None)),
        };
        match answer {
            Ok(answer) => return Ok(answer),
            Err((LoginError::OAuth { code, .. }, _)) if code == "authorization_pending" => {}
            Err((LoginError::OAuth { code, .. }, _)) if code == "slow_down" => {
                interval = interval.saturating_add(INTERVAL);
            }
            Err((LoginError::OAuth { code: word, .. }, _)) if word == "expired_token" => {
                return Err(LoginError::SignInTimeout(code.life));
            }
            Err((error, wait)) if error.is_passing() => {
                let slower = interval.saturating_add(INTERVAL);
                interval = wait.unwrap_or(slower).clamp(interval, MAX_LIFE);
            }
            Err((error, _)) => return Err(error.without([code.code.as_str()])),
        }
    }
}

/// Prints what the person has to do.
pub(crate) fn print_code(page: &str, code: &str) {
    // Without stderr the wait ends by itself.
    let _ = writeln!(
        io::stderr(),
        "To sign in, open this on any device:\n{page}\nand enter the code {code}"
    );
}

async fn client(
    found: &Discovered,
    identity: &Identity,
    known: Option<&Client>,
    scopes: &[String],
    outward: &Outward,
) -> Result<Client, LoginError> {
    if let Some(named) = identity.client(&found.info) {
        return Ok(named);
    }
    if let Some(client) = known {
        return Ok(client.clone());
    }
    let endpoint = found.info.registration()?;
    let now = found.info.now();
    let registered = register(endpoint, None, &GRANTS, scopes, outward, now).await;
    let client = match registered {
        // An issuer that only knows clients with a page to come back to.
        Err(LoginError::Registration(_)) => {
            let page = redirect_uri("127.0.0.1", 1);
            register(endpoint, Some(&page), &GRANTS_WITH_PAGE, scopes, outward, now).await?
        }
        registered => registered?,
    };
    Ok(Client { redirect_uri: None, ..client })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use serde_json::{Value, json};

    use super::*;
    use crate::oauth::Reply;

    fn read(name: &str, value: &Value) -> Result<Pending, LoginError> {
        let mut json = json!({
            "device_code": "d", "user_code": "u", "verification_uri": "https://as.example/d",
            "expires_in": 60,
        });
        json[name] = value.clone();
        let body = json.to_string().into_bytes();
        let reply = Reply::new(StatusCode::OK, HeaderMap::new(), body);
        pending(&Answer::read("https://as.example/device", &reply)?)
    }

    #[test]
    fn each_member_of_a_device_code_is_held_to_its_standard() {
        for (name, value, words) in [
            ("device_code", json!(null), "`device_code` is missing"),
            ("device_code", json!(7), "`device_code` is not a text"),
            ("user_code", json!(""), "`user_code` is empty"),
            ("user_code", json!(["u"]), "`user_code` is not a text"),
            ("verification_uri", json!(null), "`verification_uri` is missing"),
            ("expires_in", json!(null), "`expires_in` is missing"),
            ("expires_in", json!("soon"), "`expires_in` is not a number of seconds"),
            ("interval", json!({}), "`interval` is not a number of seconds"),
            ("error", json!("invalid_scope"), "the issuer refuses: invalid_scope"),
        ] {
            let said = read(name, &value).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(words), "{name} {value}: {said}");
        }
        for (name, value, life, interval) in [
            ("expires_in", json!("60"), 60, 5),
            ("expires_in", json!(999_999), MAX_LIFE, 5),
            ("interval", json!(null), 60, 5),
            ("interval", json!("7"), 60, 7),
            ("interval", json!(0), 60, 1),
        ] {
            let code = read(name, &value).ok().unwrap();
            assert_eq!((code.life.as_secs(), code.interval), (life, interval), "{name} {value}");
        }
    }
}
