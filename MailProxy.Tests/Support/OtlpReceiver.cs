using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailProxy.Tests.Support;

/// <summary>A collector on a free loopback port that takes OTLP by HTTP, and answers as it is told.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly WebApplication _app;
    private readonly List<OtlpSpan> _spans = [];
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(100_000);

    private OtlpReceiver()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.Zero);
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public string Url => _app.Urls.First();

    /// <summary>What every answer is made by, before anything is taken.</summary>
    public Func<HttpContext, Task> Answer { get; set; } = static _ => Task.CompletedTask;

    /// <summary>The last request's path and authorization.</summary>
    public (string Path, string Authorization, string? ContentType) Last { get; private set; }

    public IReadOnlyList<OtlpSpan> Spans
    {
        get
        {
            lock (_spans)
                return [.. _spans];
        }
    }

    public static async Task<OtlpReceiver> StartAsync()
    {
        var receiver = new OtlpReceiver();
        await receiver._app.StartAsync();
        return receiver;
    }

    /// <summary>Waits until what came satisfies the question.</summary>
    public async Task<IReadOnlyList<OtlpSpan>> UntilAsync(Func<IReadOnlyList<OtlpSpan>, bool> isEnough)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        while (true)
        {
            var spans = Spans;
            if (isEnough(spans))
                return spans;
            try
            {
                await _news.Reader.ReadAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException("Only these came: " + string.Join('\n', Spans));
            }
        }
    }

    /// <summary>Waits for the next request, whatever becomes of it.</summary>
    public async Task RequestAsync()
    {
        using var deadline = new CancellationTokenSource(Deadline);
        await _news.Reader.ReadAsync(deadline.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        Last = (context.Request.Path, context.Request.Headers.Authorization.ToString(), context.Request.ContentType);
        var read = OtlpSpan.Read(body.ToArray()).ToList();
        lock (_spans)
            _spans.AddRange(read);
        _news.Writer.TryWrite(true);
        await Answer(context);
    }
}
