//! The bounds of the gateway, as they are configured: the section `[gateway]`.

use std::time::Duration;

use settings::{Environment, Reader, Variable};
use upstream::{asks::parking::ParkingLimits, front::FrontLimits, pool::BoundsConfig};

use crate::config::settings::ConfigError;

/// The bounds of the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatewayLimits {
    /// Of processes and connections, over all servers together.
    pub(crate) servers: BoundsConfig,
    /// Of sessions and calls, of each server.
    pub(crate) front: FrontLimits,
    /// How long a server may say nothing about a call.
    pub(crate) silence: Duration,
    /// Of calls that wait for their clients, over all servers together.
    pub(crate) waiting: ParkingLimits,
}

impl GatewayLimits {
    /// Those that `environment` sets.
    pub(crate) fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut reader = Reader::new(environment, &mut faults);
        reader.check_shares(&[
            (Variable::GatewayMaxServersPerUser, Variable::GatewayMaxServers),
            (Variable::GatewayMaxSessionsPerUser, Variable::GatewayMaxSessions),
            (Variable::GatewayMaxCallsPerUser, Variable::GatewayMaxCalls),
            (Variable::GatewayMaxWaitingPerUser, Variable::GatewayMaxWaiting),
        ]);
        let mut number = |variable| reader.count(variable).unwrap_or(1);
        let minutes = |number: usize| Duration::from_mins(u64::try_from(number).unwrap_or(1));
        let limits = Self {
            servers: BoundsConfig {
                total: number(Variable::GatewayMaxServers),
                per_owner: number(Variable::GatewayMaxServersPerUser),
            },
            front: FrontLimits {
                sessions_total: number(Variable::GatewayMaxSessions),
                sessions_each: number(Variable::GatewayMaxSessionsPerUser),
                session_idle: minutes(number(Variable::GatewaySessionIdle)),
                calls_total: number(Variable::GatewayMaxCalls),
                calls_each: number(Variable::GatewayMaxCallsPerUser),
                ..FrontLimits::default()
            },
            silence: minutes(number(Variable::GatewaySilence)),
            waiting: ParkingLimits {
                calls: number(Variable::GatewayMaxWaiting),
                calls_of_one: number(Variable::GatewayMaxWaitingPerUser),
                time: minutes(number(Variable::GatewayWaiting)),
            },
        };
        if faults.is_empty() { Ok(limits) } else { Err(ConfigError(faults)) }
    }
}

#[cfg(test)]
mod tests {
    use upstream::{calls::CallLimits, http::HttpLimits};

    use super::*;

    #[test]
    fn without_settings_they_are_the_defaults_and_each_can_be_set() {
        let read = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            GatewayLimits::read(&Environment::from_pairs(pairs))
        };
        let default = read(&[]).unwrap();
        assert_eq!(default.servers, BoundsConfig::default());
        assert_eq!(default.front, FrontLimits::default());
        assert_eq!(default.silence, CallLimits::default().silence);
        assert_eq!(default.silence, HttpLimits::default().head);
        assert_eq!(default.waiting, ParkingLimits::default());
        let set = read(&[
            ("GATEWAY_MAX_SERVERS", "2"),
            ("GATEWAY_MAX_SERVERS_PER_USER", "1"),
            ("GATEWAY_MAX_SESSIONS", "4"),
            ("GATEWAY_MAX_SESSIONS_PER_USER", "3"),
            ("GATEWAY_SESSION_IDLE_MINUTES", "5"),
            ("GATEWAY_MAX_CALLS", "7"),
            ("GATEWAY_MAX_CALLS_PER_USER", "6"),
            ("GATEWAY_MAX_WAITING_CALLS", "9"),
            ("GATEWAY_MAX_WAITING_CALLS_PER_USER", "8"),
            ("GATEWAY_WAITING_MINUTES", "10"),
            ("GATEWAY_SILENCE_MINUTES", "11"),
        ]);
        let set = set.unwrap();
        assert_eq!(set.servers, BoundsConfig { total: 2, per_owner: 1 });
        let front = set.front;
        assert_eq!((front.sessions_total, front.sessions_each), (4, 3));
        assert_eq!((front.calls_total, front.calls_each), (7, 6));
        assert_eq!(front.session_idle, Duration::from_mins(5));
        assert_eq!(set.silence, Duration::from_mins(11));
        let time = Duration::from_mins(10);
        assert_eq!(set.waiting, ParkingLimits { calls: 9, calls_of_one: 8, time });
        let ConfigError(faults) =
            read(&[("GATEWAY_MAX_CALLS", "0"), ("GATEWAY_WAITING_MINUTES", "x")]).unwrap_err();
        assert_eq!(faults.len(), 2, "{faults:?}");
        for all in ["SERVERS", "SESSIONS", "CALLS", "WAITING_CALLS"] {
            let (all, each) = (format!("GATEWAY_MAX_{all}"), format!("GATEWAY_MAX_{all}_PER_USER"));
            let ConfigError(faults) = read(&[(&all, "5"), (&each, "6")]).unwrap_err();
            assert_eq!(faults, [format!("{each} \"6\": write no more than {all}, which is 5")]);
        }
    }
}
