using System.Collections;

namespace MailProxy.Daemon.Hosting;

/// <summary>Variables of OpenTelemetry that say what settings here say: they count where those say nothing. Pure.</summary>
internal static class OtelVariables
{
    private const string Endpoint = "Telemetry:Otlp:Endpoint",
        Headers = "Telemetry:Otlp:Headers",
        HeadersFile = "Telemetry:Otlp:HeadersFile";

    private static readonly (string Variable, string Path)[] Known =
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", Endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "Telemetry:Otlp:Protocol"),
        ("OTEL_EXPORTER_OTLP_HEADERS", Headers),
        ("OTEL_SERVICE_NAME", "Telemetry:ServiceName"),
    ];

    /// <param name="values">What the settings say, by path; added to.</param>
    public static void Add(IDictionary environment, IDictionary<string, SettingValue> values)
    {
        if (bool.TryParse(environment["OTEL_SDK_DISABLED"] as string, out var disabled) && disabled)
            return;
        foreach (var (variable, path) in Known)
        {
            if (IsSet(values, path) || (path == Headers && IsSet(values, HeadersFile)))
                continue;
            if (environment[variable] is string { Length: > 0 } text)
                values[path] = new(path, text, variable);
        }
    }

    private static bool IsSet(IDictionary<string, SettingValue> values, string path) =>
        values.TryGetValue(path, out var value) && !string.IsNullOrEmpty(value.Text);
}
