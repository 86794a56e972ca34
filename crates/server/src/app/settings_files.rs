//! The settings, read again: `bartizan.toml`, the file of the issuers, and the certificate
//! authorities.
//!
//! 1. They are one value: all of it is put in force, or nothing.
//! 2. A change of a setting that is read at the start alone is refused: until the restart the
//!    server says that one is needed.
//! 3. Variables of the environment and of `.env` are read at the start alone.
//! 4. What was judged is what is put in force: all that is read of these files meanwhile is the
//!    text that was judged, also where a policy is compared with the settings in force.
//! 5. The policy file is read with them, and one that is put in force with them is whole, too. A
//!    change of it alone is left to what watches it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use settings::{
    CONFIG_FILE, ConfigFile, EnvFile, Environment, Program, Variable,
    regular_file::{self, is_given_at_start},
};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{in_force::InForce, served::Reread};
use crate::{
    args::RunArgs,
    config::settings::ConfigError,
    failure::Failure,
    reload::{
        Applied, ReloadError, Source,
        text::{Text, TextFile},
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

/// How many files there are: `bartizan.toml`, the file of the issuers, the certificate authorities,
/// and the policy.
const FILES: usize = 4;
/// The text of each file; nothing where none is named.
type Texts = [Text; FILES];
/// What is known of a file that a variable names; `None` if it is not there.
type Content = (PathBuf, Option<Arc<str>>);

/// The files with the settings, and what was in them when they were read.
pub(crate) struct SettingsFiles {
    /// The variables in force, with the content of the files.
    environment: Environment,
    files: [Option<TextFile>; FILES],
    in_force: Texts,
    /// What was read of files that cannot be read again: pipes.
    once: Vec<Content>,
}

impl SettingsFiles {
    /// The files that `args` and `environment` name, and `policy`, if there is one for the server.
    /// The settings are to be resolved with [`Self::environment`].
    pub(crate) fn new(
        args: &RunArgs,
        env_file: &EnvFile,
        environment: &Environment,
        policy: Option<PathBuf>,
    ) -> Self {
        let config = environment.config().path().to_owned();
        let config = if config.as_os_str().is_empty() {
            // It may be there later.
            env_file.path().with_file_name(CONFIG_FILE)
        } else {
            config
        };
        let named = |variable| environment.get(variable).map(PathBuf::from);
        let issuers = args.issuers.clone().or_else(|| named(Variable::IssuersFile));
        let paths = [Some(config), issuers, named(Variable::CaFile), policy];
        let others = paths.iter().skip(1).flatten();
        let pipes = others.filter(|path| is_given_at_start(path));
        // What is no text is left to its reader.
        let once: Vec<Content> = pipes
            .filter_map(|path| {
                let text = regular_file::read_text(path, regular_file::MAX_BYTES).ok()?;
                Some((path.clone(), Some(text.into())))
            })
            .collect();
        let paths = paths.map(|path| path.filter(|it| !is_given_at_start(it)));
        let [config, issuers, authorities, policy] = paths;
        let mut files = [
            config.map(TextFile::new),
            issuers.map(TextFile::new),
            authorities.map(TextFile::lossy),
            policy.map(TextFile::new),
        ];
        let mut in_force = read(&mut files, true);
        // It was read before.
        let config = environment.config();
        if !config.path().as_os_str().is_empty() && files[0].is_some() {
            in_force[0] = Ok(Some(config.text().into()));
        }
        // What is not there is an error of its reader.
        let known = contents(&files, &in_force).filter(|(_, content)| content.is_some());
        let environment = environment.clone().with_contents(known.chain(once.clone()));
        Self { environment, files, in_force, once }
    }

    /// The variables in force, with what was read of these files: to be resolved instead of what is
    /// in the files by then.
    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
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

    /// The variables, over `texts` as the content of the files.
    fn environment_with(&self, texts: &Texts) -> Result<Environment, ReloadError> {
        let path = self.files[0].as_ref().map_or(Path::new(""), TextFile::path);
        let config = match &texts[0] {
            _ if self.files[0].is_none() => self.environment.config().clone(),
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
        let unreadable = unreadable(&self.files, texts);
        if !unreadable.is_empty() {
            return Err(invalid(unreadable));
        }
        let fixed = fixed_changes(&self.environment, &config);
        let known = contents(&self.files, texts).chain(self.once.clone());
        let environment = self.environment.clone().with_config(config).with_contents(known);
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
    ReloadError::ConfigFile(ConfigError(faults))
}

fn read(files: &mut [Option<TextFile>; FILES], afresh: bool) -> Texts {
    files.each_mut().map(|file| file.as_mut().map_or(Ok(None), |file| file.read(afresh)))
}

/// Which of the files that variables name cannot be read, each with the reason. None of them is
/// opened again by its reader, who could find another one.
fn unreadable(files: &[Option<TextFile>; FILES], texts: &Texts) -> Vec<String> {
    let named = files.iter().zip(texts).skip(1);
    let fault = |(file, text): (&Option<TextFile>, &Text)| {
        let path = file.as_ref()?.path().display();
        text.as_ref().err().map(|reason| format!("{path}: {reason}"))
    };
    named.filter_map(fault).collect()
}

/// What `texts` say of the files that variables name. At the start, one that cannot be read is left
/// to its reader, which reports it.
fn contents(
    files: &[Option<TextFile>; FILES],
    texts: &Texts,
) -> impl Iterator<Item = Content> + use<> {
    let named = files.iter().zip(texts).skip(1);
    let content = |(file, text): (&Option<TextFile>, &Text)| {
        Some((file.as_ref()?.path().to_owned(), text.clone().ok()?))
    };
    named.filter_map(content).collect::<Vec<_>>().into_iter()
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
        let of_settings = |texts: &Texts| texts.iter().take(FILES - 1).cloned().collect::<Vec<_>>();
        if of_settings(content) == of_settings(&self.files.in_force) {
            return Ok(Applied::Same);
        }
        let environment = self.files.environment_with(content)?;
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

    fn detail(&self) -> Option<String> {
        self.in_force.policy_digests()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, sync::Mutex};

    use auth_core::Clock;
    use axum::http::Request;
    use bartizan::PeerAddress;
    use testkit::{ManualClock, NOW};
    use tower::Service;

    use super::*;
    use crate::{
        app::{
            foundation::Foundation,
            generation::served_resources,
            served::{Reading, Served},
            upstream_resource::UpstreamResource,
        },
        config::{policy_file::BUILT_IN, settings::Config},
        current_router::CurrentRouter,
        mcp::server::McpServer,
        reload::{Part, Recheck, Watched},
        telemetry::log::Captured,
    };

    /// Reads the settings of the demo server again, while someone writes into their files.
    #[derive(Clone, Default)]
    struct Meddled {
        args: RunArgs,
        meanwhile: Arc<Mutex<Vec<(PathBuf, String)>>>,
        /// The settings that were read, as those of a new policy are compared with.
        read: Arc<Mutex<Vec<Environment>>>,
    }

    impl Meddled {
        fn served(&self, environment: &Environment) -> Result<Served, ConfigError> {
            let (args, environment) = (self.args.clone(), environment.clone());
            let config = Config::resolve(&args, &environment, &McpServer::offers())?;
            let recheck = Recheck { args, environment, is_only_one: true };
            Ok(Served { config, recheck, upstreams: Vec::new() })
        }
    }

    impl Reread for Meddled {
        fn reread<'a>(
            &'a self,
            environment: &'a Environment,
            _: &'a [UpstreamResource],
        ) -> Reading<'a> {
            for (path, text) in self.meanwhile.lock().unwrap().drain(..) {
                fs::write(path, text).unwrap();
            }
            self.read.lock().unwrap().push(environment.clone());
            let served = self.served(environment);
            Box::pin(async move { Ok(served?) })
        }
    }

    /// A server of the files in a folder, which are watched.
    struct World {
        folder: tempfile::TempDir,
        meddled: Meddled,
        /// Whose tokens are accepted.
        issuers: Box<dyn Fn() -> Vec<String>>,
        router: CurrentRouter,
        watched: Option<Watched<WatchedSettings>>,
    }

    fn issuer(name: &str) -> String {
        format!("[issuers.\"https://{name}.example\"]\nkeys = {{ secret_env = \"IDP_SECRET\" }}\n")
    }

    impl World {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            fs::write(path("issuers.toml"), issuer("one")).unwrap();
            fs::write(path("policy.toml"), BUILT_IN).unwrap();
            let secret = "a-secret-of-thirty-two-characters-or-more";
            let text = |name: &str| path(name).display().to_string();
            let pairs = [
                ("JWT_SECRET", secret.into()),
                ("IDP_SECRET", format!("another-{secret}")),
                ("SIGN_IN", "off".into()),
                ("MAX_FAILED_AUTHENTICATIONS", "1/h".into()),
                ("DATABASE_URL", "sqlite::memory:".into()),
                ("ISSUERS_FILE", text("issuers.toml")),
                ("POLICY_FILE", text("policy.toml")),
            ];
            let pairs = pairs.map(|(name, value): (&str, String)| (name.to_owned(), value));
            let environment = Environment::from_pairs(pairs);
            let (meddled, env_file) = (Meddled::default(), EnvFile::at(path(".env")));
            let files = SettingsFiles::new(
                &meddled.args,
                &env_file,
                &environment,
                Some(path("policy.toml")),
            );
            // A file that is changed between the two reads of the start is read again.
            fs::write(path("issuers.toml"), issuer("two")).unwrap();
            let served = meddled.served(files.environment()).unwrap();
            assert_eq!(served.config.issuers.len(), 1);
            let name = served.config.issuers[0].trusted.issuer().as_str().to_owned();
            assert_eq!(name, "https://one.example");
            let clock: Arc<dyn Clock> = ManualClock::at(NOW);
            let resources = served_resources(&served.config, &[]);
            let foundation = Foundation::open(&served.config, resources, &clock, "server".into());
            let foundation = Arc::new(foundation.await.unwrap());
            let stop = CancellationToken::new();
            let mut in_force = InForce::new(foundation, stop.clone(), stop.clone());
            in_force.put(served).await.unwrap();
            let (health, router) = (in_force.health(), in_force.router());
            let others = |name: &String| name.ends_with(".example");
            let names = move || health.status().into_iter().map(|it| it.issuer.to_string());
            let issuers = Box::new(move || names().filter(others).collect());
            let source = files.watched(in_force, Box::new(meddled.clone()), stop);
            let watched = Some(Watched::new(source, clock));
            Self { folder, meddled, issuers, router, watched }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        /// Someone writes this while the settings are being read the next time.
        fn meanwhile(&self, name: &str, text: String) {
            self.meddled.meanwhile.lock().unwrap().push((self.path(name), text));
        }

        /// The status of a request with a token that is not accepted.
        async fn refused(&self, path: &str) -> u16 {
            let peer = PeerAddress([192, 0, 2, 1].into());
            let request = Request::post(path).header("host", "localhost:8000");
            let request = request.header("authorization", "Bearer nonsense").extension(peer);
            let request = request.body(axum::body::Body::empty()).unwrap();
            let Ok(answer) = self.router.current().call(request).await;
            answer.status().as_u16()
        }

        /// Looks twice, as a change counts at the second; what is logged meanwhile.
        async fn look_twice(&mut self) -> String {
            let (mut watched, log) = (self.watched.take().unwrap(), Captured::default());
            let subscriber =
                tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
            let look = tokio::task::spawn_blocking(move || {
                tracing::subscriber::with_default(subscriber, || {
                    watched.look();
                    watched.look();
                });
                watched
            });
            self.watched = Some(look.await.unwrap());
            log.text()
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_was_judged_is_put_in_force_whatever_is_in_the_files_by_then() {
        let mut world = World::new().await;
        // What was changed between the two reads of the start is read again.
        assert_eq!((world.issuers)(), ["https://one.example"]);
        world.look_twice().await;
        assert_eq!((world.issuers)(), ["https://two.example"]);

        fs::write(world.path("issuers.toml"), issuer("three")).unwrap();
        world.meanwhile("issuers.toml", issuer("wrong"));
        world.look_twice().await;
        assert_eq!((world.issuers)(), ["https://three.example"]);
        // A policy is compared with that, too.
        let of_policy = world.meddled.read.lock().unwrap().last().unwrap().clone();
        assert_eq!(of_policy.read_text(&world.path("issuers.toml")).unwrap(), issuer("three"));
        // What was judged is there again: nothing is judged, and nothing else is in force.
        fs::write(world.path("issuers.toml"), issuer("three")).unwrap();
        world.look_twice().await;
        assert_eq!((world.issuers)(), ["https://three.example"]);
        assert_eq!(world.watched.as_ref().unwrap().health().failing(), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_change_of_settings_gives_no_caller_a_fresh_budget() {
        let mut world = World::new().await;
        for path in ["/mcp", "/admin/explain"] {
            assert_eq!(world.refused(path).await, 401);
            assert_eq!(world.refused(path).await, 429);
        }
        world.look_twice().await;
        assert_eq!((world.issuers)(), ["https://two.example"]);
        for path in ["/mcp", "/admin/explain"] {
            assert_eq!(world.refused(path).await, 429, "{path}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn settings_are_judged_again_once_a_file_that_they_name_is_there() {
        let mut world = World::new().await;
        world.look_twice().await;
        let section =
            issuer("four").replace("secret_env = \"IDP_SECRET\"", "secret_file = \"four\"");
        fs::write(world.path("issuers.toml"), section).unwrap();
        let log = world.look_twice().await;
        assert_eq!(log.matches("and refused").count(), 1, "{log}");
        // That is said once.
        let mut judged = 0;
        while judged < 4 {
            let log = world.look_twice().await;
            assert_eq!(log, "");
            judged = world.meddled.read.lock().unwrap().len();
        }
        assert_eq!((world.issuers)(), ["https://two.example"]);
        fs::write(world.path("four"), "a-secret-of-thirty-two-characters-or-more").unwrap();
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(world.path("four"), mode).unwrap();
        let before = judged;
        while judged == before {
            world.look_twice().await;
            judged = world.meddled.read.lock().unwrap().len();
        }
        assert_eq!((world.issuers)(), ["https://four.example"]);
        assert_eq!(world.watched.as_ref().unwrap().health().failing(), None);
        // What is wrong with the file itself is judged once.
        fs::write(world.path("issuers.toml"), issuer("two")).unwrap();
        fs::write(world.path("bartizan.toml"), "[limts]\n").unwrap();
        assert!(world.look_twice().await.contains("did you mean `limits`?"));
        let error = invalid(Vec::new());
        assert_eq!(error.looks_until_again(), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_that_could_not_be_read_is_refused_and_is_not_opened_again() {
        let mut world = World::new().await;
        world.look_twice().await;
        let read = world.meddled.read.lock().unwrap().len();
        let huge = fs::File::create(world.path("issuers.toml")).unwrap();
        huge.set_len(700 << 20).unwrap();
        // A reader that opened it would find this.
        world.meanwhile("issuers.toml", issuer("three"));
        let log = world.look_twice().await;
        assert!(log.contains("issuers.toml: this file is too long"), "{log}");
        assert_eq!((world.issuers)(), ["https://two.example"]);
        assert_eq!(world.meddled.read.lock().unwrap().len(), read);
        assert!(world.watched.as_ref().unwrap().health().failing().is_some());
        fs::write(world.path("issuers.toml"), issuer("two")).unwrap();
        world.look_twice().await;
        assert_eq!(world.watched.as_ref().unwrap().health().failing(), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_policy_that_comes_with_the_settings_is_whole_and_what_it_changes_is_logged() {
        let mut world = World::new().await;
        let policy = BUILT_IN.replace("get_time = \"Admin.Write\"", "get_time = \"User.Read\"");
        assert_ne!(policy, BUILT_IN);
        fs::write(world.path("policy.toml"), &policy).unwrap();
        let (half, _) = policy.split_at(policy.len() / 2);
        world.meanwhile("policy.toml", half.to_owned());
        let log = world.look_twice().await;
        assert_eq!((world.issuers)(), ["https://two.example"], "{log}");
        assert!(log.contains("The policy changes: + user gains tools/call get_time"), "{log}");
        // A change of the policy alone is left to what watches it.
        fs::write(world.path("policy.toml"), BUILT_IN).unwrap();
        let log = world.look_twice().await;
        assert!(!log.contains("The policy changes"), "{log}");
        assert_eq!(world.meddled.read.lock().unwrap().len(), 1);
    }
}
