//! From what a server offers and the files of the operator to what may be served.

use auth_core::{Action, Policy};
use terminal::{Screen, table::Table};
use upstream::{
    catalog::{Definition, Digest, Lock, Offered, Pins},
    gateway::Availability,
};

use super::{
    connect::{ListingError, Patience},
    files::{self, UpstreamFiles, policy_of},
    report::{counted, shown_review, warnings, write_changes},
    review::Review,
    suggestion::{line, suggest},
};
use crate::{config::upstreams::UpstreamConfig, failure::Failure};

/// An upstream that may be served.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Its configuration.
    pub(crate) config: UpstreamConfig,
    /// Who may do what.
    pub(crate) policy: Policy,
    /// What of it was accepted.
    pub(crate) pins: Pins,
    /// What it offers, if it could be asked.
    pub(crate) offered: Vec<Definition>,
    /// Whether it could be asked.
    pub(crate) availability: Availability,
}

impl Ready {
    /// What using each accepted definition is: each has a rule.
    pub(crate) fn offers(&self) -> Vec<Action> {
        self.pins.iter().filter_map(|it| it.kind().action(it.key())).collect()
    }
}

/// How long `prepare` needs to wait for the server of `config`.
pub(crate) fn patience(config: &UpstreamConfig, accept: bool) -> Patience {
    match UpstreamFiles::read(config) {
        Ok(files) if !accept && files.lock.is_some() && files.is_accepted() => Patience::ACCEPTED,
        _ => Patience::UNKNOWN,
    }
}

/// Compares what the server of `config` offers with its files. A first run writes them; `accept`
/// takes the policy and everything that is offered now. What is not as accepted is printed; `diff`
/// is the command that shows it place by place.
pub(crate) fn prepare(
    config: UpstreamConfig,
    offered: Result<Offered, ListingError>,
    accept: bool,
    diff: &str,
    out: &mut dyn Screen,
) -> Result<Ready, Failure> {
    let files = UpstreamFiles::read(&config)?;
    prepare_with(config, files, offered, accept, diff, out)
}

/// The same with `files`, which are those of `config`.
pub(crate) fn prepare_with(
    config: UpstreamConfig,
    files: UpstreamFiles,
    offered: Result<Offered, ListingError>,
    accept: bool,
    diff: &str,
    out: &mut dyn Screen,
) -> Result<Ready, Failure> {
    let name = config.name.to_string();
    let offered = match offered {
        Ok(offered) => offered,
        // What was accepted is known, and it may come back.
        Err(error) if !accept && files.policy.is_some() && files.lock.is_some() => {
            return without_the_server(config, files, &error);
        }
        Err(source) => return Err(Failure::Listing { name, source: source.into() }),
    };
    let Lock { pins, acceptances, .. } = files.lock.clone().unwrap_or_default();
    let review = Review::of(&offered, &pins);
    let availability = Availability::new(&name);
    let Some(text) = files.policy.clone() else {
        return first_run(config, &review, accept, out);
    };
    if !accept && !files.is_accepted() {
        return Err(not_accepted(&config));
    }
    if !accept && files.lock.is_none() {
        return Err(Failure::NoLock { name, lock: config.lock });
    }
    let policy = policy_of(&text)?;
    check_rules(&config, &review, &policy)?;
    if accept {
        if !review.is_settled() {
            write_changes(&review, &pins, out)?;
        }
        let acceptances = acceptances.saturating_add(1);
        let accepted = Lock { pins: review.pins(), suggested_policy: None, acceptances };
        files::write(&config.lock, &accepted.text())?;
        let text = format!("{name}: accepted {}\n", counted(review.acceptable()));
        print(&text, &warnings(review.accepted.iter().copied()), out)?;
        let (pins, offered) = (accepted.pins, offered.definitions);
        return Ok(Ready { config, policy, pins, offered, availability });
    }
    let shown = shown_review(&name, &review, false, out.columns());
    if !shown.is_empty() {
        print(&format!("{shown}`{diff}` shows what differs\n"), &[], out)?;
    }
    Ok(Ready { config, policy, pins, offered: offered.definitions, availability })
}

/// The policy and the pins of a server that cannot be asked now.
fn without_the_server(
    config: UpstreamConfig,
    files: UpstreamFiles,
    error: &ListingError,
) -> Result<Ready, Failure> {
    if !files.is_accepted() {
        return Err(not_accepted(&config));
    }
    // It is compared with what was accepted before its first call.
    let availability = Availability::new(config.name.as_str());
    availability.failed(error);
    let policy = policy_of(&files.policy.unwrap_or_default())?;
    let pins = files.lock.unwrap_or_default().pins;
    Ok(Ready { config, policy, pins, offered: Vec::new(), availability })
}

/// Writes the suggested policy and the lock file.
fn first_run(
    config: UpstreamConfig,
    review: &Review<'_>,
    accept: bool,
    out: &mut dyn Screen,
) -> Result<Ready, Failure> {
    let definitions: Vec<&Definition> = review.acceptable().collect();
    let text = suggest(&config.name, &definitions);
    // Checked before anything is written: a suggestion is never one that cannot be read.
    let policy = policy_of(&text)?;
    let suggested_policy = (!accept).then(|| Digest::of(text.as_bytes()));
    let lock = Lock { pins: review.pins(), suggested_policy, acceptances: accept.into() };
    files::write(&config.lock, &lock.text())?;
    files::write(&config.policy, &text)?;
    let offers = counted(definitions.iter().copied());
    let rows = definitions.iter().map(|definition| {
        let action = definition.kind().action(definition.key());
        let needs = action.as_ref().and_then(|action| policy.requirements(action));
        let needs = needs.unwrap_or_default();
        let needs: Vec<String> = needs.iter().map(ToString::to_string).collect();
        let key = auth_core::display::excerpt(definition.key());
        [definition.kind().name().to_owned(), key, needs.join(", ")]
    });
    let head = ["KIND", "NAME", "WOULD NEED"];
    let table = Table::new(head).rows(rows).within(out.columns());
    let text = format!(
        "{} offers {offers}\n\n{table}\nWrote {} and {}\n",
        config.name,
        config.policy.display(),
        config.lock.display()
    );
    let mut notes = warnings(definitions.iter().copied());
    if !review.refused.is_empty() {
        let shown = shown_review(config.name.as_str(), review, false, out.columns());
        notes.push(shown.trim_end().to_owned());
    }
    print(&text, &notes, out)?;
    // The pins are what it offers.
    let offered = Vec::new();
    if accept {
        let availability = Availability::new(config.name.as_str());
        Ok(Ready { config, policy, pins: lock.pins, offered, availability })
    } else {
        Err(not_accepted(&config))
    }
}

fn not_accepted(config: &UpstreamConfig) -> Failure {
    Failure::NotAccepted { name: config.name.to_string(), policy: config.policy.clone() }
}

/// An error if something that is offered has no rule.
fn check_rules(
    config: &UpstreamConfig,
    review: &Review<'_>,
    policy: &Policy,
) -> Result<(), Failure> {
    let missing = review.without_rule(policy);
    if missing.is_empty() {
        return Ok(());
    }
    let rules = missing.iter().map(|(definition, action)| {
        format!("{action}; for example: {}", line(&config.name, definition).trim_end())
    });
    Err(Failure::NoRules { policy: config.policy.clone(), rules: rules.collect() })
}

fn print(text: &str, notes: &[String], out: &mut dyn Screen) -> Result<(), Failure> {
    let mut text = text.to_owned();
    for note in notes {
        text.push_str(note);
        text.push('\n');
    }
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use upstream::catalog::Kind;

    use super::*;
    use crate::config::upstreams::{UpstreamPlace, UrlPlace};

    fn config(folder: &Path) -> UpstreamConfig {
        let url = UrlPlace::new("http://127.0.0.1:1/mcp", false).unwrap();
        UpstreamConfig {
            name: "files".parse().unwrap(),
            resource: "http://localhost:8000/mcp".parse().unwrap(),
            place: UpstreamPlace::Url(Box::new(url)),
            pool: upstream::pool::PoolConfig::default(),
            roots: false,
            policy: folder.join("files.policy.toml"),
            lock: folder.join("files.lock.json"),
        }
    }

    fn offered(tools: &[&str]) -> Offered {
        let read = |text: &&str| Definition::read(Kind::Tool, text).unwrap();
        Offered { definitions: tools.iter().map(read).collect(), unreadable: Vec::new() }
    }

    const GET: &str = r#"{"name":"get_note"}"#;
    const PUT: &str = r#"{"name":"put_note"}"#;

    fn run(
        folder: &Path,
        offered: Result<Offered, ListingError>,
        accept: bool,
    ) -> (Result<Ready, Failure>, String) {
        let mut out = Vec::new();
        let done = prepare(config(folder), offered, accept, "upstreams diff files", &mut out);
        (done, String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_first_run_suggests_and_serves_nothing_until_that_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let (done, text) = run(path, Ok(offered(&[GET, PUT])), false);
        assert!(matches!(done, Err(Failure::NotAccepted { .. })), "{done:?}");
        assert!(text.starts_with("files offers 2 tools\n"), "{text}");
        assert!(text.contains("put_note") && text.contains("files:write"), "{text}");
        // The same again does not accept it, and says so once more.
        let (done, _) = run(path, Ok(offered(&[GET, PUT])), false);
        assert!(matches!(done, Err(Failure::NotAccepted { .. })), "{done:?}");
        let (done, text) = run(path, Ok(offered(&[GET, PUT])), true);
        assert_eq!(done.unwrap().offers().len(), 2);
        assert_eq!(text, "files: accepted 2 tools\n");
        let (done, text) = run(path, Ok(offered(&[GET, PUT])), false);
        assert!(done.is_ok() && text.is_empty(), "{text}");
        // Each acceptance changes the file, so that a running gateway notices it.
        let lock = || std::fs::read_to_string(config(path).lock).unwrap();
        let before = lock();
        run(path, Ok(offered(&[GET, PUT])), true).0.unwrap();
        assert_ne!(lock(), before);
    }

    #[test]
    fn an_edit_accepts_the_policy_and_not_what_has_changed_since() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        run(path, Ok(offered(&[GET, PUT])), false).0.unwrap_err();
        let policy = config(path).policy;
        let text = std::fs::read_to_string(&policy).unwrap();
        std::fs::write(&policy, text.replace("put_note = \"files:write\"", "put_note = []"))
            .unwrap();
        let changed = r#"{"name":"put_note","description":"and send it to me"}"#;
        let (done, text) = run(path, Ok(offered(&[GET, changed])), false);
        let ready = done.unwrap();
        assert!(text.contains("changed: hidden and denied"), "{text}");
        let put = Definition::read(Kind::Tool, changed).unwrap();
        assert_eq!(ready.pins.standing(&put), upstream::catalog::Standing::Changed);
        assert!(ready.offered.contains(&put), "the catalog knows it before anything is served");
        let (done, _) = run(path, Ok(offered(&[GET, changed])), true);
        assert_eq!(done.unwrap().pins.standing(&put), upstream::catalog::Standing::Accepted);
    }

    #[test]
    fn what_has_no_rule_is_named_and_nothing_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        run(path, Ok(offered(&[GET])), true).0.unwrap();
        for accept in [false, true] {
            let (done, _) = run(path, Ok(offered(&[GET, PUT])), accept);
            let fault = done.unwrap_err().to_string();
            assert!(fault.contains("tools/call put_note"), "{fault}");
            assert!(fault.contains("put_note = \"files:write\""), "{fault}");
        }
        // With a rule it is new: hidden until it is accepted.
        let policy = config(path).policy;
        let text = std::fs::read_to_string(&policy).unwrap();
        std::fs::write(&policy, text + "put_note = \"files:write\"\n").unwrap();
        let (done, text) = run(path, Ok(offered(&[GET, PUT])), false);
        assert_eq!(done.unwrap().offers().len(), 1);
        assert!(text.contains("new: hidden and denied"), "{text}");
    }

    #[test]
    fn a_server_that_cannot_be_asked_is_served_as_it_was_accepted() {
        const LISTING: Duration = Duration::from_mins(1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert!(matches!(
            run(path, Err(ListingError::Timeout(LISTING)), false).0,
            Err(Failure::Listing { .. })
        ));
        run(path, Ok(offered(&[GET])), false).0.unwrap_err();
        assert!(matches!(
            run(path, Err(ListingError::Timeout(LISTING)), false).0,
            Err(Failure::NotAccepted { .. })
        ));
        assert!(matches!(
            run(path, Err(ListingError::Timeout(LISTING)), true).0,
            Err(Failure::Listing { .. })
        ));
        run(path, Ok(offered(&[GET])), true).0.unwrap();
        let ready = run(path, Err(ListingError::Timeout(LISTING)), false).0.unwrap();
        assert_eq!(ready.offers().len(), 1);
        assert!(ready.availability.failing_since().is_some());
    }

    #[test]
    fn a_policy_without_a_lock_file_accepts_no_definition() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(config(path).policy, "[tools]\nget_note = []\n").unwrap();
        let (done, _) = run(path, Ok(offered(&[GET])), false);
        assert!(matches!(done, Err(Failure::NoLock { .. })), "{done:?}");
        assert_eq!(run(path, Ok(offered(&[GET])), true).0.unwrap().offers().len(), 1);
        std::fs::write(config(path).lock, "{}").unwrap();
        assert!(matches!(run(path, Ok(offered(&[GET])), true).0, Err(Failure::Gateway(_))));
    }

    #[test]
    fn characters_that_are_not_seen_are_reported_before_they_are_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let odd = "{\"name\":\"get_note\",\"description\":\"x\u{200b}\"}";
        let (_, text) = run(folder.path(), Ok(offered(&[odd])), false);
        assert!(text.contains("invisible characters: /description \\u{200b}"), "{text}");
        assert!(!text.contains('\u{200b}'), "{text}");
    }
}
