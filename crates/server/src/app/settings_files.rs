//! The settings, read again: `bartizan.toml`, the file of the issuers, and the certificate
//! authorities.
//!
//! 1. They are one value: all of it is put in force, or nothing.
//! 2. A change of a setting that is read at the start alone is refused: until the restart the
//!    server says that one is needed.
//! 3. Variables of the environment and of `.env` are read at the start alone.

use std::path::{Path, PathBuf};

use settings::{CONFIG_FILE, ConfigFile, EnvFile, Environment, Program, Variable};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{in_force::InForce, served::Reread};
use crate::{
    args::RunArgs,
    config::settings::ConfigError,
    failure::Failure,
    reload::{
        Applied, ReloadError, Source,
        text::{Text, TextFile, is_readable_again},
    },
};

/// The settings whose new value is put in force.
const REPLACEABLE: [Variable; 7] = [
    Variable::AllowedOrigins,
    Variable::DefaultRoles,
    Variable::MaxBodyMemory,
    Variable::MaxCalls,
    Variable::MaxCallsPerCaller,
    Variable::MaxFailedAuthentications,
    Variable::UnknownUsers,
];
/// The sections of other settings that are read at the start alone.
const FIXED_SECTIONS: [&str; 2] = ["assertions", "sign_in"];

/// The files with the settings, and what was in them when they were read.
pub(crate) struct SettingsFiles {
    environment: Environment,
    /// `bartizan.toml`, the file of the issuers, the certificate authorities.
    files: [Option<TextFile>; 3],
    in_force: Texts,
}

/// The text of each file; nothing where none is named.
type Texts = [Text; 3];

impl SettingsFiles {
    /// The files that `args` and `environment` name. To be called before the settings are resolved:
    /// what changes after this is read again.
    pub(crate) fn new(args: &RunArgs, env_file: &EnvFile, environment: &Environment) -> Self {
        let config = environment.config().path().to_owned();
        let config = if config.as_os_str().is_empty() {
            // It may be there later.
            env_file.path().with_file_name(CONFIG_FILE)
        } else {
            config
        };
        let named = |variable| environment.get(variable).map(PathBuf::from);
        let issuers = args.issuers.clone().or_else(|| named(Variable::IssuersFile));
        let paths = [Some(config), issuers, named(Variable::CaFile)];
        let mut files =
            paths.map(|path| path.filter(|it| is_readable_again(it)).map(TextFile::new));
        let in_force = read(&mut files, true);
        Self { environment: environment.clone(), files, in_force }
    }

    /// The same, to be watched: what is read again with `reread` is put in force until `stop` is
    /// cancelled.
    pub(crate) fn watched(
        self,
        in_force: InForce,
        reread: Box<dyn Reread>,
        stop: CancellationToken,
    ) -> WatchedSettings {
        WatchedSettings { files: self, in_force, reread, stop }
    }

    /// The variables, over `text` as the content of `bartizan.toml`.
    fn environment_with(&self, text: &Text) -> Result<Environment, ReloadError> {
        let path = self.files[0].as_ref().map_or(Path::new(""), TextFile::path);
        let config = match text {
            Ok(Some(text)) => ConfigFile::parse(path, text.to_string()),
            Ok(None) if self.environment.config().path().as_os_str().is_empty() => {
                ConfigFile::default()
            }
            Ok(None) => {
                return Err(invalid(vec![format!("{}: there is no such file", path.display())]));
            }
            Err(reason) => return Err(invalid(vec![format!("{}: {reason}", path.display())])),
        };
        if !config.errors().is_empty() {
            return Err(invalid(config.errors().to_vec()));
        }
        let fixed = fixed_changes(&self.environment, &config);
        let environment = self.environment.clone().with_config(config);
        let variables = Variable::ALL.into_iter().filter(|variable| {
            variable.setting().programs.contains(&Program::Server)
                && !REPLACEABLE.contains(variable)
                && environment.set_value(*variable) != self.environment.set_value(*variable)
        });
        let names: Vec<String> =
            variables.map(|variable| variable.name().to_owned()).chain(fixed).collect();
        if names.is_empty() { Ok(environment) } else { Err(ReloadError::Restart(names)) }
    }
}

/// The sections of `config` that differ from those of `environment`, and are read at the start
/// alone.
fn fixed_changes(environment: &Environment, config: &ConfigFile) -> Vec<String> {
    let changed = FIXED_SECTIONS.into_iter();
    let changed = changed.filter(|name| !environment.config().has_same_section(config, name));
    changed.map(|name| format!("[{name}]")).collect()
}

fn invalid(faults: Vec<String>) -> ReloadError {
    ReloadError::Settings(Box::new(ConfigError(faults).into()))
}

fn read(files: &mut [Option<TextFile>; 3], afresh: bool) -> Texts {
    files.each_mut().map(|file| file.as_mut().map_or(Ok(None), |file| file.read(afresh)))
}

/// The settings of the server in force, which are read again.
pub(crate) struct WatchedSettings {
    files: SettingsFiles,
    in_force: InForce,
    reread: Box<dyn Reread>,
    stop: CancellationToken,
}

impl WatchedSettings {
    async fn put(&mut self, environment: &Environment) -> Result<(), Failure> {
        let upstreams = self.in_force.upstreams();
        let served = self.reread.reread(environment, &upstreams).await?;
        self.in_force.put(served).await
    }
}

impl Source for WatchedSettings {
    type Content = Texts;

    fn label(&self) -> String {
        "settings".into()
    }

    fn read(&mut self, afresh: bool) -> Self::Content {
        read(&mut self.files.files, afresh)
    }

    fn apply(&mut self, content: &Self::Content) -> Result<Applied, ReloadError> {
        if *content == self.files.in_force {
            return Ok(Applied::Same);
        }
        let environment = self.files.environment_with(&content[0])?;
        let stop = self.stop.clone();
        let putting = stop.run_until_cancelled(self.put(&environment));
        match Handle::current().block_on(putting) {
            // The server stops.
            None => return Ok(Applied::Same),
            Some(Err(Failure::NotAccepted { .. })) => return Err(ReloadError::NotAccepted),
            Some(Err(failure)) => return Err(ReloadError::Settings(Box::new(failure))),
            Some(Ok(())) => {}
        }
        self.files.environment = environment;
        self.files.in_force.clone_from(content);
        Ok(Applied::Changed)
    }
}
