//! The settings of traces, `[traces]`. Their names are those of OpenTelemetry.

use super::{
    Setting,
    Shape::{Choice, Number, Text},
    constructors::{secret_of_traces, traces},
};

pub(super) const OTEL_SDK_DISABLED: Setting = traces(
    "OTEL_SDK_DISABLED",
    "disabled",
    Choice(&["true", "false"]),
    Some("false"),
    "Whether traces are off, whatever else is set (docs/operations.md).",
);

pub(super) const OTEL_TRACES_EXPORTER: Setting = traces(
    "OTEL_TRACES_EXPORTER",
    "exporter",
    Choice(&["otlp", "none"]),
    None,
    "How traces are exported: otlp or none. Not set: otlp if an endpoint is set.",
);

pub(super) const OTLP_ENDPOINT: Setting = traces(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "base_endpoint",
    Text,
    None,
    "The URL of a collector of OpenTelemetry (OTLP over HTTP), to which traces are sent under /v1/traces: https, or http to a loopback host.",
);

pub(super) const OTLP_TRACES_ENDPOINT: Setting = traces(
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "endpoint",
    Text,
    None,
    "The same, as the whole URL for traces. It takes the place of the other.",
);

pub(super) const OTLP_HEADERS: Setting = secret_of_traces(
    "OTEL_EXPORTER_OTLP_HEADERS",
    "base_headers",
    "Headers for the collector, as name=value,name=value with values percent-encoded.",
);

pub(super) const OTLP_TRACES_HEADERS: Setting = secret_of_traces(
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "headers",
    "The same for traces alone. They take the place of the others.",
);

pub(super) const OTLP_PROTOCOL: Setting = traces(
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "base_protocol",
    Choice(&["http/protobuf"]),
    Some("http/protobuf"),
    "The protocol of the collector: http/protobuf. There is no grpc and no http/json.",
);

pub(super) const OTLP_TRACES_PROTOCOL: Setting = traces(
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "protocol",
    Choice(&["http/protobuf"]),
    None,
    "The same for traces alone: http/protobuf.",
);

pub(super) const OTLP_TIMEOUT: Setting = traces(
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "base_timeout",
    Number { least: 1, most: 600_000 },
    Some("10000"),
    "How many milliseconds a request to the collector may take.",
);

pub(super) const OTLP_TRACES_TIMEOUT: Setting = traces(
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "timeout",
    Number { least: 1, most: 600_000 },
    None,
    "The same for traces alone.",
);

pub(super) const OTEL_SERVICE_NAME: Setting = traces(
    "OTEL_SERVICE_NAME",
    "service_name",
    Text,
    Some("bartizan"),
    "What this server is called in traces (service.name).",
);

pub(super) const OTEL_RESOURCE_ATTRIBUTES: Setting = traces(
    "OTEL_RESOURCE_ATTRIBUTES",
    "resource_attributes",
    Text,
    None,
    "What else describes it, for example deployment.environment.name=production,service.instance.id=a: name=value,name=value with values percent-encoded.",
);

pub(super) const OTEL_TRACES_SAMPLER: Setting = traces(
    "OTEL_TRACES_SAMPLER",
    "sampler",
    Choice(&[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ]),
    Some("parentbased_always_on"),
    "Which requests are traced. With parentbased_ the caller decides, if it names a trace.",
);

pub(super) const OTEL_TRACES_SAMPLER_ARG: Setting = traces(
    "OTEL_TRACES_SAMPLER_ARG",
    "sampler_ratio",
    Text,
    None,
    "Which part of the requests the samplers with ratio trace, from 0 to 1. Not set: 1.",
);

pub(super) const OTEL_BSP_SCHEDULE_DELAY: Setting = traces(
    "OTEL_BSP_SCHEDULE_DELAY",
    "delay",
    Number { least: 1, most: 600_000 },
    Some("5000"),
    "After how many milliseconds spans are sent, unless there are enough for a request before.",
);

pub(super) const OTEL_BSP_EXPORT_TIMEOUT: Setting = traces(
    "OTEL_BSP_EXPORT_TIMEOUT",
    "export_timeout",
    Number { least: 1, most: 600_000 },
    Some("30000"),
    "How many milliseconds it is tried to send spans. Then they are dropped.",
);

pub(super) const OTEL_BSP_MAX_QUEUE_SIZE: Setting = traces(
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "max_queue_size",
    Number { least: 1, most: 1_000_000 },
    Some("2048"),
    "How many spans wait at most. Further ones are dropped. Count 1 KiB for a span.",
);

pub(super) const OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Setting = traces(
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "max_export_batch_size",
    Number { least: 1, most: 100_000 },
    Some("512"),
    "How many spans are sent at once at most.",
);
