//! A server that runs: its jobs, what is in force, and its end.

use std::sync::Arc;

use audit_log::AuditLog;
use audit_setup::OpenAudit;
use auth_core::Clock;
use bartizan::{ClientCertificate, PeerAddress};
use directory::{AnyDirectory, CachedDirectory};
use listener::{
    CertificateThumbprint, Connections, Limits, PerAddress, Socket, TrustedProxies, serve,
    signals::{Asked, Signals},
};
use tls_setup::Expiry;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    Start,
    sockets::{Secured, Sockets},
};
use crate::{
    admin::{
        health::{self, Health},
        listening::{Listening, read_connections},
        readiness::Failing,
        routes::{self, Answers},
    },
    app::{foundation::Foundation, in_force::InForce},
    config::settings::Config,
    current_router::CurrentRouter,
    failure::Failure,
    reload::{ChangeRecords, Part, Reload, ReloadRequests, Watched},
    telemetry::{
        log,
        traces::{RunningTracing, Tracing},
    },
    tls::reported,
};

/// What the listener has to know of this program.
const PROGRAM: listener::Program = listener::Program {
    note_address: |extensions, address| {
        extensions.insert(PeerAddress(address));
    },
    note_certificate: |extensions, CertificateThumbprint(bytes)| {
        extensions.insert(ClientCertificate(auth_core::CertificateThumbprint::from_bytes(bytes)));
    },
    is_health_check: |path| health::PATHS.contains(&path),
};

/// A server whose jobs run, and which accepts callers next.
pub(super) struct Running {
    foundation: Arc<Foundation>,
    tracing: Option<RunningTracing>,
    jobs: JoinSet<()>,
    /// Ends jobs, streams, and that callers are accepted.
    stop: CancellationToken,
    /// Ends what the calls need that are under way at the stop.
    ended_calls: CancellationToken,
    health: Health<CachedDirectory<AnyDirectory>>,
    router: CurrentRouter,
    explaining: CurrentRouter,
    reload: ReloadRequests,
    callers: Callers,
    admin: Option<Listening>,
    clock: Arc<dyn Clock>,
}

/// How callers are accepted.
struct Callers {
    socket: Socket,
    expiry: Expiry,
    limits: Limits,
    proxies: TrustedProxies,
}

impl Running {
    /// Starts the jobs, and puts what is to be served in force.
    pub(super) async fn start(
        mut foundation: Foundation,
        Start { served, files, reread }: Start,
        Sockets { callers: secured, admin, .. }: Sockets,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let Secured { socket, expiry, names, files: tls_files, acme } = secured;
        let (stop, ended_calls) = (CancellationToken::new(), CancellationToken::new());
        let (limits, proxies) = (limits(&served.config), served.config.trusted_proxies.clone());
        let tracing = foundation.tracing.take().map(Tracing::start);
        let foundation = Arc::new(foundation);
        let mut jobs = foundation.start(&stop, &ended_calls);
        let (all, until) = (Arc::clone(&foundation), stop.clone());
        let mut in_force = InForce::new(all, until, ended_calls.clone());
        Box::pin(in_force.put(served)).await?;
        let (health, router) = (in_force.health(), in_force.router());
        let (explaining, replaceable) = (in_force.explaining(), in_force.parts());
        let settings = files.watched(in_force, reread, stop.clone());
        let mut lasting: Vec<Box<dyn Part>> =
            vec![Box::new(Watched::new(settings, Arc::clone(&clock)))];
        lasting.extend(tls_files);
        let records = ChangeRecords::of(foundation.audit.as_ref());
        for part in &mut lasting {
            part.record_in(&records);
        }
        let reload = Reload::new(lasting, replaceable, Arc::clone(&clock));
        let readiness = &health.readiness;
        readiness.add_job(reload.reading());
        if let Some(names) = names {
            readiness.add(move || reported::for_others(&names));
        }
        for changed in reload.health() {
            readiness.add(move || changed.failing());
        }
        let requests = reload.requests();
        jobs.spawn(reload.keep_fresh(stop.clone()));
        if let Some(acme) = acme {
            acme.add_to(readiness);
            jobs.spawn(acme.run(stop.clone()));
        }
        jobs.spawn(expiry.clone().watch(Arc::clone(&clock), stop.clone()));
        let (watched, at) = (expiry.clone(), Arc::clone(&clock));
        readiness.add(move || reported::failing(&watched, at.now()));
        let stopping = stop.clone();
        readiness.add(move || stopping.is_cancelled().then(Failing::stopping));
        let callers = Callers { socket, expiry, limits, proxies };
        Ok(Self {
            foundation,
            tracing,
            jobs,
            stop,
            ended_calls,
            health,
            router,
            explaining,
            reload: requests,
            callers,
            admin,
            clock,
        })
    }

    /// The audit log, if there is one.
    pub(super) fn audit(&self) -> Option<&AuditLog> {
        self.foundation.audit.as_ref().map(OpenAudit::log)
    }

    /// Accepts callers until a signal, or an operator, asks to stop; then stops.
    pub(super) async fn serve(mut self, signals: &mut Signals) -> Result<(), Failure> {
        let (counts, drain) = (Connections::default(), CancellationToken::new());
        // It answers until the last request has ended.
        let admin_stop = CancellationToken::new();
        let admin = self.answer_operators(&counts, &drain, &admin_stop);
        let Callers { socket, limits, proxies, .. } = self.callers;
        let router = log::Gate::new(self.router, log::current());
        let serving = serve(socket, router, self.stop.clone(), limits, proxies, PROGRAM, counts);
        let serving = tokio::spawn(serving);
        let how = loop {
            let asked = tokio::select! {
                asked = signals.next() => asked,
                () = drain.cancelled() => break "POST /drain",
            };
            match asked {
                Asked::ToReload => self.reload.ask(),
                Asked::ToStop => break "a signal",
            }
        };
        ChangeRecords::of(self.foundation.audit.as_ref()).drained(how);
        tracing::info!("Stopping: no new requests, those under way may end");
        self.stop.cancel();
        let ended = serving.await;
        self.ended_calls.cancel();
        admin_stop.cancel();
        if let Some(admin) = admin {
            let _ = admin.await;
        }
        while self.jobs.join_next().await.is_some() {}
        self.foundation.wait_for_changes().await;
        if let Some(audit) = self.foundation.audit.clone() {
            audit.close().await;
        }
        if let Some(tracing) = self.tracing {
            tracing.stop().await;
        }
        self.foundation.directory.close().await;
        tracing::info!("Stopped");
        ended.map_err(|source| Failure::Io { context: "serving", source: source.into() })
    }

    /// Serves the admin listener, if there is one, until `stop` is cancelled.
    fn answer_operators(
        &mut self,
        counts: &Connections,
        drain: &CancellationToken,
        stop: &CancellationToken,
    ) -> Option<JoinHandle<()>> {
        let (admin, metrics) = self.admin.take().zip(self.foundation.metrics.clone())?;
        let (Callers { expiry, limits, .. }, clock) = (&self.callers, &self.clock);
        read_connections(&metrics, metrics::Listener::Main, counts.clone(), limits.connections);
        reported::read_by(&metrics, expiry.clone(), Arc::clone(clock));
        let reload = self.reload.clone();
        let answers = Answers {
            health: self.health.clone(),
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(clock),
            reload: Box::new(move || {
                let reload = reload.clone();
                Box::pin(async move { reload.ask_and_wait().await })
            }),
            explaining: self.explaining.clone(),
            drain: drain.clone(),
        };
        let answering = routes::routes(answers, admin.reach);
        Some(tokio::spawn(admin.serve(answering, stop.clone(), metrics)))
    }
}

/// The bounds of the listener.
fn limits(config: &Config) -> Limits {
    let connections = config.bounds.connections;
    let per_address = match config.bounds.connections_per_address {
        Some(most) => PerAddress::Every(most),
        None => PerAddress::Public(connections.div_ceil(4)),
    };
    Limits { connections, per_address, grace: config.bounds.shutdown, ..Limits::default() }
}
