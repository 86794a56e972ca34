//! How users sign in: passwords, one-time codes and links, second factors.
//!
//! 1. A password is typed, or comes from standard input; never from the command line.
//! 2. A code or a link is printed once: the directory has its digest.
//! 3. A new password ends the browser sessions of its user. What clients hold stays:
//!    `grants revoke` ends that.

use std::io::Read;

use auth_core::NumericDate;
use directory::{Directory, UserName, authorization::OneTimeKind};
use issuer::sign_in::{
    CODE_LIFETIME, LINK_LIFETIME, OneTimeCode, PasswordError, SignInLink, hash_password,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use terminal::{Screen, prompt};
use zeroize::Zeroizing;

use super::missing;
use crate::{
    args::OutputFormat,
    command::context::{DirectoryContext, date, fields, write_json},
    failure::Failure,
    random::random,
};

/// The longest line that is read from standard input, in bytes.
const MAX_LINE: u64 = 4096;

/// Where a new password comes from.
pub(super) enum NewPassword<'a> {
    /// The terminal, twice.
    Prompt,
    /// The first line of standard input.
    Stdin(&'a mut dyn Read),
    /// There is to be none.
    None,
}

/// `users password`.
pub(super) async fn password(
    context: &DirectoryContext,
    subject: &str,
    new: NewPassword<'_>,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let name = context.name(subject)?;
    let user = context.directory.find(&name.issuer, &name.subject).await?;
    let user = user.ok_or_else(|| missing(&name))?;
    let hash = match typed(new)? {
        None => None,
        Some(password) => {
            let names = [user.subject().as_str(), user.display_name()];
            let hash = hash_password(&password, &names, random()?);
            Some(hash.map_err(|fault: PasswordError| Failure::Usage(fault.to_string()))?)
        }
    };
    let (store, now) = (context.authorizations(), context.stamp.at());
    let text = hash.as_ref().map(ExposeSecret::expose_secret);
    if !store.set_password(&name, text, now).await? && hash.is_some() {
        return Err(missing(&name));
    }
    let sessions = store.end_browser_sessions_of(&name, None, None).await?;
    let done = if hash.is_some() { "has a new password" } else { "has no password" };
    let ended = match sessions {
        0 => String::new(),
        1 => "; 1 browser session ended".to_owned(),
        many => format!("; {many} browser sessions ended"),
    };
    match output {
        OutputFormat::Json => {
            let what = if hash.is_some() { "set-password" } else { "remove-password" };
            let mut said = about(&name, what);
            extend(&mut said, [("sessions_ended", json!(sessions))]);
            write_json(&said, out)
        }
        OutputFormat::Text => say(&name, &format!("{done}{ended}"), out),
    }
}

/// `users code`.
pub(super) async fn code(
    context: &DirectoryContext,
    subject: &str,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let (name, code) = (context.name(subject)?, OneTimeCode::from_random(random()?));
    let until = context.stamp.at().plus(CODE_LIFETIME);
    add(context, &name, OneTimeKind::Code, &code.digest(), until).await?;
    let address = sign_in_address(&name);
    match output {
        OutputFormat::Json => {
            let mut said = about(&name, "code");
            extend(
                &mut said,
                [
                    ("code", json!(code.expose())),
                    ("expires_at", json!(until)),
                    ("sign_in", json!(address)),
                ],
            );
            write_json(&said, out)
        }
        OutputFormat::Text => fields(
            [
                ("Code", code.expose()),
                ("User", name.subject.as_str()),
                ("Until", &date(Some(until))),
                ("At", &address),
            ],
            out,
        ),
    }
}

/// `users link`.
pub(super) async fn link(
    context: &DirectoryContext,
    subject: &str,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let (name, link) = (context.name(subject)?, SignInLink::from_random(random()?));
    let until = context.stamp.at().plus(LINK_LIFETIME);
    add(context, &name, OneTimeKind::Link, &link.digest(), until).await?;
    let url = link.url(&name.issuer);
    match output {
        OutputFormat::Json => {
            let mut said = about(&name, "link");
            let url = ("link", json!(url.expose_secret()));
            extend(&mut said, [url, ("expires_at", json!(until))]);
            write_json(&said, out)
        }
        OutputFormat::Text => fields(
            [
                ("Link", url.expose_secret()),
                ("User", name.subject.as_str()),
                ("Until", &date(Some(until))),
            ],
            out,
        ),
    }
}

/// `users second-factor reset`.
pub(super) async fn reset(
    context: &DirectoryContext,
    subject: &str,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let name = context.name(subject)?;
    if context.directory.find(&name.issuer, &name.subject).await?.is_none() {
        return Err(missing(&name));
    }
    let store = context.authorizations();
    let removed = store.remove_second_factor(&name).await?;
    // A session may be on the device that was lost.
    let sessions = store.end_browser_sessions_of(&name, None, None).await?;
    match output {
        OutputFormat::Json => {
            let mut said = about(&name, "reset-second-factor");
            extend(&mut said, [("changed", json!(removed)), ("sessions_ended", json!(sessions))]);
            write_json(&said, out)
        }
        OutputFormat::Text if removed => say(&name, "has no second factor any more", out),
        OutputFormat::Text => say(&name, "had no second factor", out),
    }
}

async fn add(
    context: &DirectoryContext,
    name: &UserName,
    kind: OneTimeKind,
    digest: &auth_core::oauth::SecretDigest,
    until: NumericDate,
) -> Result<(), Failure> {
    let added = context.authorizations().add_one_time(name, kind, digest, until).await?;
    if added { Ok(()) } else { Err(missing(name)) }
}

/// The new password; `None` if there is to be none.
fn typed(new: NewPassword<'_>) -> Result<Option<SecretString>, Failure> {
    let line = match new {
        NewPassword::None => return Ok(None),
        NewPassword::Stdin(stdin) => first_line(stdin)?,
        NewPassword::Prompt => twice()?,
    };
    Ok(Some(SecretString::from(line.as_str())))
}

fn first_line(stdin: &mut dyn Read) -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    stdin
        .take(MAX_LINE)
        .read_to_string(&mut text)
        .map_err(|source| Failure::Io { context: "cannot read the password", source })?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn twice() -> Result<Zeroizing<String>, Failure> {
    if !prompt::is_interactive() {
        let text = "there is no terminal to type the password on: give it with --stdin";
        return Err(Failure::Usage(text.into()));
    }
    let ask = |question| {
        let answer = prompt::ask_secret(question);
        let answer = answer.map_err(|source| Failure::Io { context: "cannot ask", source })?;
        answer.ok_or_else(|| Failure::Usage("no password was typed".into()))
    };
    let first = ask("New password: ")?;
    let again = ask("The same again: ")?;
    if *first == *again {
        Ok(first)
    } else {
        Err(Failure::Usage("the two passwords differ: nothing was changed".into()))
    }
}

/// Where a user types a code in.
fn sign_in_address(name: &UserName) -> String {
    format!("{}/sign-in", name.issuer.as_str().trim_end_matches('/'))
}

fn about(name: &UserName, what: &str) -> serde_json::Value {
    json!({ "what": what, "issuer": name.issuer.as_str(), "subject": name.subject.as_str() })
}

fn extend<const N: usize>(said: &mut serde_json::Value, more: [(&str, serde_json::Value); N]) {
    if let Some(members) = said.as_object_mut() {
        members.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
}

fn say(name: &UserName, text: &str, out: &mut dyn Screen) -> Result<(), Failure> {
    let subject = auth_core::display::escape(name.subject.as_str());
    writeln!(out, "{subject} {text}").map_err(Failure::output)
}
