using System.Diagnostics;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Telemetry;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Exports spans by OTLP from the start until everything else has stopped. Nobody ever waits for the collector: spans gather in a bounded
/// queue, and what does not fit is dropped and counted. Only who has a collector loads this class, and the libraries of OpenTelemetry.
/// </summary>
internal sealed class SpanExport : IHostedService, IDisposable
{
    /// <summary>Spans of an attempt at the collector, and those that wait for it.</summary>
    private const int Batch = 512,
        Queue = 8192;

    private const int DelayMilliseconds = 2_000,
        RequestMilliseconds = 10_000;

    // Of the whole stop, after the drain: a collector that does not answer must not hold up the end of the process.
    private const int FlushMilliseconds = 3_000;

    private readonly TracerProvider _provider;
    private int _stopped;

    private SpanExport(TracerProvider provider) => _provider = provider;

    public static SpanExport Open(TelemetrySettings settings, PipelineMetrics metrics, ILoggerFactory logs)
    {
        var watch = new CollectorWatch(settings.Otlp.Endpoint!, metrics, logs.CreateLogger<CollectorWatch>());
        var exporter = new WatchedExporter(Options(settings.Otlp, watch), watch);
        var provider = Sdk.CreateTracerProviderBuilder()
            .AddSource(MailSpans.SourceName, "MailKit.*", "Npgsql")
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(settings.SampleRatio)))
            .ConfigureResource(resource =>
                resource.AddService(
                    string.IsNullOrEmpty(settings.ServiceName) ? "mailproxy" : settings.ServiceName,
                    serviceVersion: StatusRoutes.Version,
                    autoGenerateServiceInstanceId: false,
                    serviceInstanceId: string.IsNullOrEmpty(settings.ServiceInstance) ? Environment.MachineName : settings.ServiceInstance
                )
            )
            .AddProcessor(new BoundedSpans(exporter, watch, Queue, DelayMilliseconds, RequestMilliseconds, Batch))
            .Build();
        watch.Opened();
        return new(provider);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>What has gathered is exported, as far as the collector takes it in time.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _stopped, 1) == 0)
            await Task.Run(() => _provider.Shutdown(FlushMilliseconds), CancellationToken.None);
    }

    // Without a stop before it the start has failed, and there is nothing to export.
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _stopped, 1) == 0)
            _provider.Shutdown(0);
        _provider.Dispose();
    }

    private static OtlpExporterOptions Options(OtlpSettings settings, CollectorWatch watch)
    {
        var isGrpc = settings.Protocol == "grpc";
        return new()
        {
            Protocol = isGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf,
            Endpoint = Address(settings.Endpoint!, isGrpc),
            Headers = settings.Sent,
            TimeoutMilliseconds = RequestMilliseconds,
            HttpClientFactory = () => new(new CollectorCalls(watch)) { Timeout = TimeSpan.FromMilliseconds(RequestMilliseconds) },
        };
    }

    internal static Uri Address(string endpoint, bool isGrpc)
    {
        var url = endpoint.TrimEnd('/');
        return new(isGrpc || url.EndsWith("/v1/traces", StringComparison.Ordinal) ? url : url + "/v1/traces");
    }

    /// <summary>A queue of spans with a bound, before the exporter's thread.</summary>
    private sealed class BoundedSpans(WatchedExporter exporter, CollectorWatch watch, int most, int delay, int timeout, int batch)
        : BatchActivityExportProcessor(exporter, most, delay, timeout, batch)
    {
        private readonly int _most = most;

        public override void OnEnd(Activity data)
        {
            if (!data.Recorded)
                return;
            if (watch.TryEnter(_most))
                base.OnEnd(data);
        }
    }

    /// <summary>The exporter, and what became of its spans. Derived, because the exporter asks its provider for the resource.</summary>
    private sealed class WatchedExporter(OtlpExporterOptions options, CollectorWatch watch) : OtlpTraceExporter(options)
    {
        public override ExportResult Export(in Batch<Activity> activityBatch)
        {
            var count = activityBatch.Count;
            var result = base.Export(activityBatch);
            watch.Left(count, result == ExportResult.Success);
            return result;
        }
    }

    /// <summary>The connection to the collector: without redirects, and noting what went wrong.</summary>
    private sealed class CollectorCalls(CollectorWatch watch)
        : DelegatingHandler(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseCookies = false,
                ActivityHeadersPropagator = null,
            }
        )
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                var answer = base.Send(request, cancellationToken);
                watch.Answered((int)answer.StatusCode);
                return answer;
            }
            catch (Exception error)
            {
                watch.Broke(error);
                throw;
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                var answer = await base.SendAsync(request, cancellationToken);
                watch.Answered((int)answer.StatusCode);
                return answer;
            }
            catch (Exception error)
            {
                watch.Broke(error);
                throw;
            }
        }
    }
}
