//! `server users …`: manages users and their roles. Works while servers run on the same directory.

mod credentials;
mod import;

use std::io::Read;

use auth_core::{Clock, Policy, RoleName, ScopeSet, display};
use directory::{
    ChangeRecord, Directory, DirectoryError, Edit, EditOutcome, NewUser, User, UserName, UserStatus,
};
use serde::Serialize;
use settings::Environment;
use terminal::{Screen, date::rfc3339_secs, table::Table};

use crate::{
    args::{OutputFormat, RunArgs, SecondFactorCommand, UsersCommand},
    command::context::{DirectoryContext, WHEN, confirm, date, fields, until, usage, write_json},
    config::settings::load_policy,
    failure::Failure,
};

pub(crate) async fn users(
    command: UsersCommand,
    args: &RunArgs,
    environment: &Environment,
    clock: &dyn Clock,
    stdin: &mut dyn Read,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let (policy, _) = load_policy(args.policy.as_ref(), environment, &[])?;
    let creates = matches!(command, UsersCommand::Add { .. } | UsersCommand::Import { .. });
    let context = DirectoryContext::open(args, environment, clock, creates).await?;
    let users = Users { context, policy };
    let done = users.run(command, stdin, out).await;
    users.context.directory.close().await;
    done
}

struct Users {
    context: DirectoryContext,
    policy: Policy,
}

impl Users {
    async fn run(
        &self,
        command: UsersCommand,
        stdin: &mut dyn Read,
        out: &mut dyn Screen,
    ) -> Result<(), Failure> {
        let directory = &self.context.directory;
        let (edit, changed, unchanged, output) = match command {
            UsersCommand::List { output } => return print(&directory.list().await?, output, out),
            UsersCommand::Show { subject, output } => {
                let name = self.context.name(&subject)?;
                let found = directory.find(&name.issuer, &name.subject).await?;
                let user = found.ok_or_else(|| missing(&name))?;
                let mut last = directory.record_of(&name, 1).await?;
                let shown = ShownUser {
                    scopes: self.policy.held_by_roles(&user.roles_at(self.context.stamp.at())),
                    last_change: last.pop(),
                    user: &user,
                };
                return match output {
                    OutputFormat::Json => write_json(&shown, out),
                    OutputFormat::Text => fields(shown.fields(), out),
                };
            }
            UsersCommand::Password { subject, stdin: from_stdin, remove, output } => {
                let new = match (remove, from_stdin) {
                    (true, _) => credentials::NewPassword::None,
                    (false, true) => credentials::NewPassword::Stdin(stdin),
                    (false, false) => credentials::NewPassword::Prompt,
                };
                return credentials::password(&self.context, &subject, new, output, out).await;
            }
            UsersCommand::Code { subject, output } => {
                return credentials::code(&self.context, &subject, output, out).await;
            }
            UsersCommand::Link { subject, output } => {
                return credentials::link(&self.context, &subject, output, out).await;
            }
            UsersCommand::SecondFactor(SecondFactorCommand::Reset { subject, yes, output }) => {
                if !yes {
                    let question = format!("Remove the second factor of {subject}?");
                    confirm(&question, "the second factor was not removed")?;
                }
                return credentials::reset(&self.context, &subject, output, out).await;
            }
            UsersCommand::Import { file, overwrite, yes, output } => {
                if overwrite && !yes {
                    let question = "Overwrite existing users who differ?";
                    confirm(question, "nothing was imported")?;
                }
                let check = |role: &RoleName| self.policy.has_role(role);
                return import::import(&self.context, &file, overwrite, check, output, out).await;
            }
            UsersCommand::Export { file } => return import::export(directory, &file, out).await,
            UsersCommand::Changes { limit, output } => {
                return changes(directory, limit, output, out).await;
            }
            UsersCommand::Add { subject, name, roles, output } => {
                return self.add(&subject, name, &roles, output, out).await;
            }
            UsersCommand::Disable { subject, output } => {
                let edit = Edit::SetStatus(self.context.name(&subject)?, UserStatus::Disabled);
                (edit, format!("is disabled{WHEN}"), "was disabled already".into(), output)
            }
            UsersCommand::Enable { subject, output } => {
                let edit = Edit::SetStatus(self.context.name(&subject)?, UserStatus::Active);
                (edit, "is enabled".into(), "was enabled already".into(), output)
            }
            UsersCommand::Remove { subject, yes, output } => {
                let edit = Edit::Remove(self.context.name(&subject)?);
                if !yes {
                    let question = format!("Remove {subject} and all their roles?");
                    confirm(&question, &format!("{subject} was not removed"))?;
                }
                (edit, format!("is removed{WHEN}"), "was removed already".into(), output)
            }
            UsersCommand::Grant { subject, role, until: end, output } => {
                let role = self.role(&role)?;
                let now = self.context.stamp.at();
                let end = end.map(|when| until(when, now)).transpose()?;
                let ends =
                    end.map_or_else(String::new, |end| format!(" until {}", date(Some(end))));
                let changed = format!("has the role {role}{ends}");
                let unchanged = format!("had the role {role}{ends} already");
                (Edit::Grant(self.context.name(&subject)?, role, end), changed, unchanged, output)
            }
            UsersCommand::RevokeRole { subject, role, output } => {
                // Not checked against the policy: a role that was taken out of it must still be
                // possible to take away.
                let role: RoleName = role.parse().map_err(|fault| usage("role", &role, fault))?;
                let changed = format!("no longer has the role {role}{WHEN}");
                let unchanged = format!("did not have the role {role}");
                (Edit::RevokeRole(self.context.name(&subject)?, role), changed, unchanged, output)
            }
        };
        self.apply(edit, &changed, &unchanged, output, out).await
    }

    async fn add(
        &self,
        subject: &str,
        name: Option<String>,
        roles: &[String],
        output: OutputFormat,
        out: &mut dyn Screen,
    ) -> Result<(), Failure> {
        let UserName { issuer, subject } = self.context.name(subject)?;
        let user = NewUser {
            display_name: name.unwrap_or_else(|| subject.to_string()),
            roles: roles.iter().map(|role| self.role(role)).collect::<Result<_, _>>()?,
            issuer,
            subject,
        };
        let name = UserName::new(&user.issuer, &user.subject);
        self.apply(Edit::Add(user), "is added", "", output, out).await?;
        let found = self.context.directory.find(&name.issuer, &name.subject).await?;
        let from = found.and_then(|user| user.valid_from());
        match from.filter(|from| *from > self.context.stamp.at() && output == OutputFormat::Text) {
            Some(from) => writeln!(
                out,
                "A user of this name was removed a moment ago: a token is accepted if it is issued \
                 at {} or later",
                date(Some(from))
            )
            .map_err(Failure::output),
            None => Ok(()),
        }
    }

    /// Applies one change of a user, and prints the outcome.
    async fn apply(
        &self,
        edit: Edit,
        changed: &str,
        unchanged: &str,
        output: OutputFormat,
        out: &mut dyn Screen,
    ) -> Result<(), Failure> {
        let (word, name) = (edit.word(), edit.user().ok_or_else(no_user)?);
        let change = match self.context.directory.edit(edit, &self.context.stamp).await {
            Ok(EditOutcome::NoSuchUser) => return Err(missing(&name)),
            Ok(change) => change,
            Err(DirectoryError::Exists { .. }) => return Err(exists(&name)),
            Err(error @ DirectoryError::DisplayName) => {
                return Err(Failure::Usage(format!("--name: {error}")));
            }
            Err(error) => return Err(error.into()),
        };
        let subject = name.subject.as_str();
        match output {
            OutputFormat::Json => {
                let has_changed = change == EditOutcome::Changed;
                let issuer = name.issuer.as_str();
                let said = serde_json::json!({
                    "what": word, "issuer": issuer, "subject": subject, "changed": has_changed,
                });
                write_json(&said, out)
            }
            OutputFormat::Text => {
                let said = if change == EditOutcome::Changed { changed } else { unchanged };
                writeln!(out, "{} {said}", display::escape(subject)).map_err(Failure::output)
            }
        }
    }

    fn role(&self, name: &str) -> Result<RoleName, Failure> {
        let role: RoleName = name.parse().map_err(|fault| usage("role", name, fault))?;
        if self.policy.has_role(&role) {
            return Ok(role);
        }
        let known: Vec<_> = self.policy.roles().map(|(role, _)| role.as_str()).collect();
        Err(Failure::Usage(format!("the policy has no role {name:?}: it has {}", known.join(", "))))
    }
}

pub(super) fn missing(name: &UserName) -> Failure {
    Failure::NoSuchUser { issuer: name.issuer.to_string(), subject: name.subject.to_string() }
}

fn exists(name: &UserName) -> Failure {
    Failure::UserExists { issuer: name.issuer.to_string(), subject: name.subject.to_string() }
}

fn no_user() -> Failure {
    Failure::Usage("this change is not about a user".into())
}

async fn changes(
    directory: &impl Directory,
    limit: u32,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let record = directory.record(limit).await?;
    match output {
        OutputFormat::Json => write_json(&record, out),
        OutputFormat::Text => {
            let rows = record.into_iter().map(|it| {
                [
                    date(Some(it.at)),
                    it.who,
                    it.what,
                    it.subject.or(it.token_id).unwrap_or_default(),
                    detail(it.detail),
                    it.issuer,
                ]
            });
            let head = ["WHEN", "WHO", "WHAT", "WHOSE", "DETAIL", "ISSUER"];
            let table = Table::new(head).rows(rows).within(out.columns());
            write!(out, "{table}").map_err(Failure::output)
        }
    }
}

/// A detail for people: the end of a role, which is recorded in seconds since 1970, as a date.
fn detail(recorded: Option<String>) -> String {
    let Some(text) = recorded else { return "-".into() };
    match text.rsplit_once(" until ").map(|(role, secs)| (role, secs.parse())) {
        Some((role, Ok(secs))) => format!("{role} until {}", rfc3339_secs(secs)),
        _ => text,
    }
}

fn print(users: &[User], output: OutputFormat, out: &mut dyn Screen) -> Result<(), Failure> {
    match output {
        OutputFormat::Json => write_json(&users, out),
        OutputFormat::Text => {
            let rows = users.iter().map(|user| {
                [
                    user.subject().to_string(),
                    user.display_name().to_string(),
                    user.status().to_string(),
                    roles(user),
                    date(user.last_seen_at()),
                    user.issuer().to_string(),
                ]
            });
            let head = ["SUBJECT", "NAME", "STATUS", "ROLES", "LAST SEEN", "ISSUER"];
            let table = Table::new(head).rows(rows).within(out.columns());
            write!(out, "{table}").map_err(Failure::output)
        }
    }
}

/// What is shown of one user.
#[derive(Serialize)]
struct ShownUser<'a> {
    #[serde(flatten)]
    user: &'a User,
    /// What the user's roles of now may hold, by the policy.
    scopes: ScopeSet,
    /// What was last changed, when and by whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_change: Option<ChangeRecord>,
}

impl ShownUser<'_> {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let user = self.user;
        let or_none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        let mut shown = vec![
            ("User", user.subject().to_string()),
            ("Name", user.display_name().to_string()),
            ("Status", user.status().to_string()),
            ("Roles", roles(user)),
            ("Scopes", or_none(self.scopes.to_string())),
            ("Added", date(Some(user.created_at()))),
            ("Last seen", date(user.last_seen_at())),
        ];
        if let Some(ChangeRecord { at, who, what, detail: recorded, .. }) = &self.last_change {
            let what = match recorded {
                Some(_) => format!("{what} {}", detail(recorded.clone())),
                None => what.clone(),
            };
            shown.push(("Changed", format!("{} by {who}: {what}", date(Some(*at)))));
        }
        shown.push(("Issuer", user.issuer().to_string()));
        if let Some(from) = user.valid_from() {
            shown.push(("Revoked", format!("tokens issued before {}", date(Some(from)))));
        }
        shown
    }
}

fn roles(user: &User) -> String {
    let roles = user.roles().iter().map(|role| match user.role_expiry(role) {
        Some(end) => format!("{role} until {}", date(Some(end))),
        None => role.to_string(),
    });
    let roles: Vec<_> = roles.collect();
    if roles.is_empty() { "-".into() } else { roles.join(",") }
}

#[cfg(test)]
mod tests {
    use super::detail;

    #[test]
    fn the_end_of_a_role_is_shown_as_a_date() {
        let shown = |text: &str| detail(Some(text.to_owned()));
        assert_eq!(shown("admin until 1800000000"), "admin until 2027-01-15T08:00:00Z");
        assert_eq!(shown("admin"), "admin");
        assert_eq!(detail(None), "-");
    }
}
