//! The section `[traces]`: off unless a collector is named, by the variables of OpenTelemetry.

use std::time::Duration;

use bartizan::CertificateAuthorities;
use settings::{Environment, Reader, Shape, Variable};
use traces::{Batching, Collector, Endpoint, Sampler, SamplerError, TracesConfig};

/// Where a collector of OpenTelemetry on this machine listens, by its conventions.
const LOCAL: &str = "http://localhost:4318";

/// What the settings say; `None` if there are no traces, or if something is wrong, which is added
/// to `faults`.
pub(crate) fn resolve(
    environment: &Environment,
    authorities: &CertificateAuthorities,
    faults: &mut Vec<String>,
) -> Option<TracesConfig> {
    if word(environment, Variable::OtelSdkDisabled, faults)? == "true" {
        return None;
    }
    let own = environment.get(Variable::OtlpTracesEndpoint);
    let of_all = environment.get(Variable::OtlpEndpoint);
    let is_asked = match environment.get(Variable::OtelTracesExporter) {
        Some(_) => word(environment, Variable::OtelTracesExporter, faults)? == "otlp",
        None => own.is_some() || of_all.is_some(),
    };
    if !is_asked {
        return None;
    }
    let before = faults.len();
    let (variable, endpoint) = match own {
        Some(url) => (Variable::OtlpTracesEndpoint, Endpoint::of_traces(url)),
        None => (Variable::OtlpEndpoint, Endpoint::of_all(of_all.unwrap_or(LOCAL))),
    };
    // A URL may have a key in its query, so it is not shown.
    let endpoint =
        endpoint.map_err(|fault| faults.push(format!("{}: {fault}", environment.label(variable))));
    check_protocol(environment, faults);
    let variable = first(environment, Variable::OtlpTracesHeaders, Variable::OtlpHeaders);
    let headers = traces::headers(environment.get(variable).unwrap_or_default());
    let headers =
        headers.map_err(|fault| faults.push(format!("{}: {fault}", environment.label(variable))));
    let timeout = first(environment, Variable::OtlpTracesTimeout, Variable::OtlpTimeout);
    let timeout = millis(environment, timeout, faults);
    let sampler = sampler(environment, faults);
    let resource = resource(environment, faults);
    let batching = batching(environment, faults);
    if faults.len() > before {
        return None;
    }
    let (endpoint, headers) = (endpoint.ok()?, headers.ok()?);
    let collector =
        Collector { endpoint, headers, timeout: timeout?, authorities: authorities.clone() };
    Some(TracesConfig { collector, sampler: sampler?, resource: resource?, batching: batching? })
}

/// The variable for traces, if it is set; else that for all signals.
fn first(environment: &Environment, own: Variable, of_all: Variable) -> Variable {
    if environment.set_value(own).is_some() { own } else { of_all }
}

fn check_protocol(environment: &Environment, faults: &mut Vec<String>) {
    let variable = first(environment, Variable::OtlpTracesProtocol, Variable::OtlpProtocol);
    let protocol = environment.get(variable).unwrap_or_default();
    if protocol != "http/protobuf" {
        let label = environment.label(variable);
        faults.push(format!(
            "{label} {protocol:?}: traces are sent by http/protobuf alone: write that, and in the endpoint the collector's port for HTTP (4318 by default)"
        ));
    }
}

fn sampler(environment: &Environment, faults: &mut Vec<String>) -> Option<Sampler> {
    let name = environment.get(Variable::OtelTracesSampler).unwrap_or_default();
    let argument = environment.get(Variable::OtelTracesSamplerArg);
    Sampler::parse(name, argument)
        .map_err(|fault| {
            let variable = match fault {
                SamplerError::Unknown => Variable::OtelTracesSampler,
                SamplerError::Ratio => Variable::OtelTracesSamplerArg,
            };
            let value = environment.get(variable).unwrap_or_default();
            faults.push(format!("{} {value:?}: {fault}", environment.label(variable)));
        })
        .ok()
}

/// What describes this server. What the operator says comes before what is known here.
fn resource(environment: &Environment, faults: &mut Vec<String>) -> Option<Vec<(String, String)>> {
    let variable = Variable::OtelResourceAttributes;
    let attributes = traces::attributes(environment.get(variable).unwrap_or_default());
    let mut attributes = attributes
        .map_err(|fault| faults.push(format!("{}: {fault}", environment.label(variable))))
        .ok()?;
    let service = "service.name";
    if let Some(name) = environment.set_value(Variable::OtelServiceName) {
        attributes.retain(|(other, _)| other != service);
        attributes.push((service.to_owned(), name.to_owned()));
    }
    for (name, value) in [
        (service, environment.get(Variable::OtelServiceName).unwrap_or_default()),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("telemetry.sdk.name", "bartizan"),
        ("telemetry.sdk.language", "rust"),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ] {
        if !attributes.iter().any(|(other, _)| other == name) {
            attributes.push((name.to_owned(), value.to_owned()));
        }
    }
    Some(attributes)
}

fn batching(environment: &Environment, faults: &mut Vec<String>) -> Option<Batching> {
    let mut reader = Reader::new(environment, faults);
    let queue = reader.count(Variable::OtelBspMaxQueueSize);
    let batch = reader.count(Variable::OtelBspMaxExportBatchSize);
    let delay = millis(environment, Variable::OtelBspScheduleDelay, faults);
    let timeout = millis(environment, Variable::OtelBspExportTimeout, faults);
    let (queue, batch) = (queue?, batch?);
    if batch > queue {
        let (label, other) = (
            environment.label(Variable::OtelBspMaxExportBatchSize),
            environment.label(Variable::OtelBspMaxQueueSize),
        );
        faults.push(format!("{label} {batch}: write no more than {other}, which is {queue}"));
    }
    Some(Batching { queue, batch, delay: delay?, timeout: timeout? })
}

fn millis(
    environment: &Environment,
    variable: Variable,
    faults: &mut Vec<String>,
) -> Option<Duration> {
    Reader::new(environment, faults).number(variable).map(Duration::from_millis)
}

/// The value, which is one of the setting's words, in capitals or not (OpenTelemetry specification,
/// environment variables).
fn word(
    environment: &Environment,
    variable: Variable,
    faults: &mut Vec<String>,
) -> Option<&'static str> {
    let text = environment.get(variable).unwrap_or_default();
    let Shape::Choice(words) = variable.setting().shape else { return None };
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        return Some(word);
    }
    let label = environment.label(variable);
    faults.push(format!("{label} {text:?}: write {}", words.join(" or ")));
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read, or the faults.
    fn read(pairs: &[(&str, &str)]) -> Result<Option<TracesConfig>, Vec<String>> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut faults = Vec::new();
        let environment = Environment::from_pairs(pairs);
        let found = resolve(&environment, &CertificateAuthorities::default(), &mut faults);
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");

    #[test]
    fn there_are_traces_if_a_collector_is_named_and_they_are_not_switched_off() {
        let is_on = |pairs: &[(&str, &str)]| read(pairs).unwrap().is_some();
        assert!(!is_on(&[]));
        assert!(!is_on(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]));
        assert!(!is_on(&[("OTEL_SERVICE_NAME", "x"), ("OTEL_TRACES_SAMPLER", "always_on")]));
        assert!(is_on(&[ENDPOINT]));
        assert!(is_on(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://otlp.example/x")]));
        assert!(!is_on(&[ENDPOINT, ("OTEL_SDK_DISABLED", "true")]));
        assert!(!is_on(&[ENDPOINT, ("OTEL_SDK_DISABLED", "True")]));
        assert!(is_on(&[ENDPOINT, ("OTEL_SDK_DISABLED", "false")]));
        assert!(!is_on(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "None")]));
        let local = read(&[("OTEL_TRACES_EXPORTER", "otlp")]).unwrap().unwrap();
        assert_eq!(local.collector.endpoint.to_string(), "http://localhost:4318/v1/traces");
    }

    #[test]
    fn what_is_for_traces_comes_before_what_is_for_all_signals() {
        let found = read(&[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://otlp.example/own"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2"),
        ]);
        let Collector { endpoint, headers, timeout, .. } = found.unwrap().unwrap().collector;
        assert_eq!(endpoint.to_string(), "https://otlp.example/own");
        assert_eq!((headers.len(), headers[0].0.as_str()), (1, "b"));
        assert_eq!(timeout, Duration::from_millis(2));
    }

    #[test]
    fn the_defaults_are_those_of_opentelemetry_and_the_server_describes_itself() {
        let found = read(&[ENDPOINT]).unwrap().unwrap();
        assert_eq!(found.batching, Batching::default());
        assert_eq!(found.collector.timeout, Duration::from_secs(10));
        assert_eq!(Some(found.sampler), Sampler::parse("parentbased_always_on", None).ok());
        let name = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = [ENDPOINT].iter().chain(pairs).copied().collect();
            let resource = read(&pairs).unwrap().unwrap().resource;
            let mut names = resource.into_iter().filter(|(name, _)| name == "service.name");
            let found = names.next().unwrap().1;
            assert_eq!(names.next(), None);
            found
        };
        assert_eq!(name(&[]), "bartizan");
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,service.version=9");
        assert_eq!(name(&[attributes]), "a");
        assert_eq!(name(&[attributes, ("OTEL_SERVICE_NAME", "b")]), "b");
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_its_variable_and_shows_no_secret() {
        for (name, value, fault) in [
            ("OTEL_SDK_DISABLED", "yes", "write true or false"),
            ("OTEL_TRACES_EXPORTER", "console", "write otlp or none"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "4318"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf alone"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://otlp.example?key=hush", "use https"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "hush", "not name=value"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", "whole number"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote", "traceidratio"),
            ("OTEL_RESOURCE_ATTRIBUTES", "a", "not name=value"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "-1", "whole number"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "511", "which is 511"),
            ("OTEL_BSP_SCHEDULE_DELAY", "5s", "whole number"),
        ] {
            let faults = read(&[ENDPOINT, (name, value)]).unwrap_err();
            assert_eq!(faults.len(), 1, "{name}: {faults:?}");
            let names_it = faults[0].starts_with("OTEL_BSP") || faults[0].starts_with(name);
            assert!(names_it && faults[0].contains(fault), "{name}: {faults:?}");
            assert!(!faults[0].contains("hush"), "{faults:?}");
        }
        let ratio = [ENDPOINT, ("OTEL_TRACES_SAMPLER", "traceidratio")];
        let faults = read(&[ratio[0], ratio[1], ("OTEL_TRACES_SAMPLER_ARG", "2")]).unwrap_err();
        assert!(
            faults[0].starts_with("OTEL_TRACES_SAMPLER_ARG \"2\": write a number"),
            "{faults:?}"
        );
    }
}
