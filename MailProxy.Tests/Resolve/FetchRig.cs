using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailProxy.Tests.Resolve;

/// <summary>The fetcher with a cache in a real directory, a scripted source and a fake clock.</summary>
internal sealed class FetchRig : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<(QueuedMail Ticket, FetchTrouble Trouble)> _failed = Channel.CreateBounded<(QueuedMail, FetchTrouble)>(
        100_000
    );
    private readonly List<QueuedMail> _returned = [];
    private readonly Task _running;

    public FetchRig(ResolveOptions? options = null)
    {
        Options = options ?? new();
        Cache = new(_directory, static _ => true, Options, Metrics, Clock, NullLogger.Instance);
        Cache.Open();
        Fetcher = new(
            Cache,
            Source,
            HostOf,
            Wake,
            (ticket, trouble) => _failed.Writer.WriteAsync((ticket, trouble)),
            Options,
            Metrics,
            Clock,
            NullLogger.Instance
        );
        _running = Fetcher.RunAsync(_stop.Token);
    }

    public ResolveOptions Options { get; }
    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero));
    public ScriptedSource Source { get; } = new();
    public Wake Wake { get; } = new();
    public PipelineMetrics Metrics { get; } = new(Prometheus.Metrics.NewCustomRegistry());
    public AttachmentCache Cache { get; }
    public AttachmentFetcher Fetcher { get; }
    public List<QueuedMail> AsideSeen { get; } = [];
    public long Now => Clock.GetUtcNow().ToUnixTimeMilliseconds();
    public string Directory => _directory;

    public static AttachmentRef Url(
        string path = "a",
        string host = "files.example",
        byte[]? sha256 = null,
        byte[]? md5 = null,
        long? size = null,
        int index = 0
    ) => new(index, new AttachmentPlace.Url(new($"http://{host}/{path}")), sha256, md5, size);

    public static byte[] Sha(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    public static QueuedMail Ticket(long id) => new(id, 1, new(1), Priority.Medium, 0, 0, 1);

    public bool Fetch(long id, params AttachmentRef[] wanted) => Fetch(id, Now - 1, wanted);

    public bool Fetch(long id, long accepted, params AttachmentRef[] wanted) => Fetcher.TryFetch(Ticket(id), "default", accepted, wanted);

    public LocalContent[]? Take(long id, params AttachmentRef[] wanted) => Fetcher.TryTake(Ticket(id), "default", Now - 1, wanted);

    /// <summary>The tickets that came back, when there are so many in all.</summary>
    public async Task<List<long>> ReturnedAsync(int count)
    {
        while (_returned.Count < count)
        {
            await Wake.WaitAsync().WaitAsync(Deadline);
            var news = Wake.Drain();
            AsideSeen.AddRange(news.Aside);
            _returned.AddRange(news.Returned);
        }

        return _returned.ConvertAll(ticket => ticket.Id);
    }

    public Task<(QueuedMail Ticket, FetchTrouble Trouble)> FailedAsync() => _failed.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

    public int MoreFailures => _failed.Reader.Count;

    /// <summary>Files below the cache directory.</summary>
    public string[] Files(string pattern = "*") => System.IO.Directory.GetFiles(_directory, pattern, SearchOption.AllDirectories);

    public Task StopAsync()
    {
        _stop.Cancel();
        return _running.WaitAsync(Deadline);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Cache.Dispose();
        _stop.Dispose();
        _directory.Dispose();
    }

    private static string HostOf(string tenant, AttachmentRef wanted) =>
        wanted.Place is AttachmentPlace.Url url ? url.Address.Authority : wanted.Place.ToString();
}
