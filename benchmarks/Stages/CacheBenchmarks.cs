using System.Text;
using BenchmarkDotNet.Attributes;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace MailProxy.Benchmarks.Stages;

/// <summary>What an attachment costs that is here already: by its source, and by the hash that the message claims.</summary>
[MemoryDiagnoser]
public class CacheBenchmarks
{
    private static readonly byte[] Bytes = Encoding.UTF8.GetBytes(new string('x', 100_000));

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mailproxy-cache-");
    private readonly CancellationTokenSource _stop = new();
    private AttachmentCache _cache = null!;
    private AttachmentFetcher _fetcher = null!;
    private Task _running = Task.CompletedTask;
    private AttachmentRef[] _bySource = null!;
    private AttachmentRef[] _byHash = null!;

    [GlobalSetup]
    public async Task Open()
    {
        var (options, metrics, wake) = (new ResolveOptions(), new PipelineMetrics(Prometheus.Metrics.NewCustomRegistry()), new Wake());
        _cache = new(_directory.FullName, static _ => true, options, metrics, TimeProvider.System, NullLogger.Instance);
        _cache.Open();
        _fetcher = new(
            _cache,
            new Given(),
            static (_, _) => "given",
            wake,
            static (_, trouble) => throw new InvalidOperationException(trouble.Message),
            options,
            metrics,
            TimeProvider.System,
            NullLogger.Instance
        );
        _running = _fetcher.RunAsync(_stop.Token);
        var place = new AttachmentPlace.Url(new("https://files.example.com/catalogue/2026/spring.pdf"));
        _bySource = [new(0, place)];
        _byHash = [new(0, place, System.Security.Cryptography.SHA256.HashData(Bytes))];

        _fetcher.TryFetch(StageFixture.Ticket(1), "default", 0, _bySource);
        while (wake.Drain().Returned.Count == 0)
            await wake.WaitAsync();
        foreach (var file in _fetcher.TryTake(StageFixture.Ticket(1), "default", 0, _bySource)!)
            file.Dispose();
    }

    [GlobalCleanup]
    public async Task Close()
    {
        await _stop.CancelAsync();
        await _running;
        _cache.Dispose();
        _stop.Dispose();
        _directory.Delete(recursive: true);
    }

    [Benchmark(Baseline = true)]
    public long HitBySource() => Hit(_bySource);

    [Benchmark]
    public long HitByHash() => Hit(_byHash);

    private long Hit(AttachmentRef[] wanted)
    {
        var files =
            _fetcher.TryTake(StageFixture.Ticket(2), "default", 0, wanted) ?? throw new InvalidOperationException("It is not here.");
        files[0].Dispose();
        return files[0].Size;
    }

    private sealed class Given : IAttachmentSource
    {
        public Task<OpenedSource> OpenAsync(string tenant, AttachmentRef wanted, CancellationToken cancel) =>
            Task.FromResult(new OpenedSource(new MemoryStream(Bytes), Bytes.Length));
    }
}
