//! `server users …`: who is there, and what they may be. Works while servers run on the same directory.

use std::io::{BufRead, IsTerminal, Write};

use auth_core::{Clock, Issuer, Policy, RoleName, Subject};
use directory::{Change, Directory, DirectoryError, NewUser, SqliteDirectory, User, UserStatus};
use settings::{Environment, Variable};

use crate::{
    args::{OutputFormat, RunArgs, UsersCommand},
    config::load_policy,
    failure::Failure,
    table,
};

pub(crate) async fn users(
    command: UsersCommand,
    args: &RunArgs,
    environment: &Environment,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let text = |flag: &Option<String>, variable| {
        flag.as_deref().or(environment.get(variable)).unwrap_or_default().to_owned()
    };
    let issuer: Issuer = text(&args.issuer, Variable::JwtIssuer)
        .parse()
        .map_err(|fault| Failure::Usage(format!("JWT_ISSUER: {fault}")))?;
    let (policy, _) = load_policy(args.policy.as_ref(), environment)?;
    let directory = SqliteDirectory::open(&text(&args.database_url, Variable::DatabaseUrl)).await?;
    let done = Users { directory: &directory, issuer, policy }.run(command, clock, out).await;
    directory.close().await;
    done
}

struct Users<'a> {
    directory: &'a SqliteDirectory,
    issuer: Issuer,
    policy: Policy,
}

impl Users<'_> {
    async fn run(
        &self,
        command: UsersCommand,
        clock: &dyn Clock,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let said = match command {
            UsersCommand::Add { subject, name, roles } => {
                let name = name.unwrap_or_else(|| subject.clone());
                let roles = roles.iter().map(|role| self.role(role)).collect::<Result<_, _>>()?;
                let user = NewUser {
                    issuer: self.issuer.clone(),
                    subject: self::subject(&subject)?,
                    display_name: name,
                    roles,
                };
                match self.directory.add(user, clock.now()).await {
                    Ok(()) => format!("Added {subject}"),
                    Err(DirectoryError::Exists { .. }) => return Err(self.exists(subject)),
                    Err(error) => return Err(error.into()),
                }
            }
            UsersCommand::List { output } => {
                return print(&self.directory.list().await?, output, out);
            }
            UsersCommand::Show { subject, output } => {
                let found = self.directory.find(&self.issuer, &self::subject(&subject)?).await?;
                return print_one(&found.ok_or_else(|| self.missing(subject))?, output, out);
            }
            UsersCommand::Disable { subject } => {
                let change = self.set_status(&subject, UserStatus::Disabled).await?;
                self.say(change, subject, "is disabled", "was disabled already")?
            }
            UsersCommand::Enable { subject } => {
                let change = self.set_status(&subject, UserStatus::Active).await?;
                self.say(change, subject, "is enabled", "was enabled already")?
            }
            UsersCommand::Remove { subject, yes } => {
                if !yes && !confirmed(&subject)? {
                    return Err(Failure::Usage(format!(
                        "{subject} was not removed: say yes, or give --yes"
                    )));
                }
                let change = self.directory.remove(&self.issuer, &self::subject(&subject)?).await?;
                self.say(change, subject, "is removed", "was removed already")?
            }
            UsersCommand::Grant { subject, role } => {
                let (id, role) = (self::subject(&subject)?, self.role(&role)?);
                let change = self.directory.grant(&self.issuer, &id, &role).await?;
                let now = format!("has the role {role}");
                self.say(change, subject, &now, &format!("had the role {role} already"))?
            }
            UsersCommand::RevokeRole { subject, role } => {
                // Not checked against the policy: a role that was taken out of it must still be
                // possible to take away.
                let role: RoleName = role.parse().map_err(|fault| usage("role", &role, fault))?;
                let id = self::subject(&subject)?;
                let change = self.directory.revoke_role(&self.issuer, &id, &role).await?;
                let now = format!("no longer has the role {role}");
                self.say(change, subject, &now, &format!("did not have the role {role}"))?
            }
        };
        writeln!(out, "{said}").map_err(Failure::output)
    }

    async fn set_status(&self, subject: &str, status: UserStatus) -> Result<Change, Failure> {
        Ok(self.directory.set_status(&self.issuer, &self::subject(subject)?, status).await?)
    }

    fn role(&self, name: &str) -> Result<RoleName, Failure> {
        let role: RoleName = name.parse().map_err(|fault| usage("role", name, fault))?;
        if self.policy.has_role(&role) {
            return Ok(role);
        }
        let known: Vec<_> = self.policy.roles().map(|(role, _)| role.as_str()).collect();
        Err(Failure::Usage(format!("the policy has no role {name:?}: it has {}", known.join(", "))))
    }

    fn say(
        &self,
        change: Change,
        subject: String,
        done: &str,
        already: &str,
    ) -> Result<String, Failure> {
        match change {
            Change::Done => Ok(format!("{subject} {done}")),
            Change::AlreadySo => Ok(format!("{subject} {already}")),
            Change::NoSuchUser => Err(self.missing(subject)),
        }
    }

    fn missing(&self, subject: String) -> Failure {
        Failure::NoSuchUser { issuer: self.issuer.to_string(), subject }
    }

    fn exists(&self, subject: String) -> Failure {
        Failure::UserExists { issuer: self.issuer.to_string(), subject }
    }
}

fn subject(text: &str) -> Result<Subject, Failure> {
    text.parse().map_err(|fault| usage("subject", text, fault))
}

fn usage(what: &str, text: &str, fault: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{what} {text:?}: {fault}"))
}

/// Asks on the terminal; where there is none, nobody said yes.
fn confirmed(subject: &str) -> Result<bool, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    let failed = |source| Failure::Io { context: "cannot ask", source };
    let mut stderr = std::io::stderr();
    write!(stderr, "Remove {subject} and all their roles? [y/N] ")
        .and_then(|()| stderr.flush())
        .map_err(failed)?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

fn print(users: &[User], output: OutputFormat, out: &mut dyn Write) -> Result<(), Failure> {
    match output {
        OutputFormat::Json => write_json(&users, out),
        OutputFormat::Text => {
            let rows = users.iter().map(|user| {
                [
                    user.subject().to_string(),
                    user.display_name().to_owned(),
                    user.status().to_string(),
                    roles(user),
                    user.issuer().to_string(),
                ]
            });
            table::write(["SUBJECT", "NAME", "STATUS", "ROLES", "ISSUER"], rows, out)
                .map_err(Failure::output)
        }
    }
}

fn print_one(user: &User, output: OutputFormat, out: &mut dyn Write) -> Result<(), Failure> {
    match output {
        OutputFormat::Json => write_json(&user, out),
        OutputFormat::Text => print(std::slice::from_ref(user), output, out),
    }
}

fn write_json(value: &impl serde::Serialize, out: &mut dyn Write) -> Result<(), Failure> {
    serde_json::to_writer_pretty(&mut *out, value)
        .map_err(Into::into)
        .and_then(|()| writeln!(out))
        .map_err(Failure::output)
}

fn roles(user: &User) -> String {
    let roles: Vec<_> = user.roles().iter().map(RoleName::as_str).collect();
    if roles.is_empty() { "-".into() } else { roles.join(",") }
}
