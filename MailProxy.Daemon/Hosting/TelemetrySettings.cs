using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Hosting;

/// <summary>Tracing with OpenTelemetry.</summary>
public sealed class TelemetrySettings
{
    public OtlpSettings Otlp { get; init; } = new();

    /// <summary>
    /// The share of traces that begin here which are recorded, 0 to 1. What names a trace of its own is recorded when its caller does.
    /// </summary>
    [Range(0.0, 1.0)]
    public double SampleRatio { get; init; } = 1;

    /// <summary><c>service.name</c> of the spans. None: <c>OTEL_SERVICE_NAME</c>, else <c>mailproxy</c>.</summary>
    [StringLength(255, ErrorMessage = "must have at most 255 characters.")]
    public string? ServiceName { get; init; }

    /// <summary><c>service.instance.id</c> of the spans, by which several daemons are told apart. None: the host's name.</summary>
    [StringLength(255, ErrorMessage = "must have at most 255 characters.")]
    public string? ServiceInstance { get; init; }
}

/// <summary>Where spans go.</summary>
public sealed class OtlpSettings
{
    /// <summary>
    /// The OTLP collector, <c>http://collector:4318</c> or https. None: <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>; none there either: no spans are
    /// made. For <c>http/protobuf</c>, <c>/v1/traces</c> is added unless it stands there.
    /// </summary>
    [CollectorUrl]
    public string? Endpoint { get; init; }

    /// <summary>
    /// <c>http/protobuf</c> or <c>grpc</c> (mostly on port 4317). None: <c>OTEL_EXPORTER_OTLP_PROTOCOL</c>, else <c>http/protobuf</c>.
    /// </summary>
    [AllowedValues("http/protobuf", "grpc")]
    public string? Protocol { get; init; }

    /// <summary>
    /// Headers of requests to the collector, mostly a secret: <c>name=value</c>, several with commas between; values are percent-encoded.
    /// None: <see cref="HeadersFile"/>, else <c>OTEL_EXPORTER_OTLP_HEADERS</c>.
    /// </summary>
    public string? Headers { get; init; }

    /// <summary>A file with such headers, read at the start; relative to where the program was started. Not together with
    /// <c>Headers</c>.</summary>
    public string? HeadersFile { get; init; }

    /// <summary>The headers that are sent, from wherever they came.</summary>
    internal string Sent { get; set; } = "";

    /// <summary>Whether spans are exported.</summary>
    internal bool IsOn => !string.IsNullOrEmpty(Endpoint);
}
