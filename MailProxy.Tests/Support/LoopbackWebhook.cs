using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailProxy.Tests.Support;

/// <summary>One request as a webhook received it.</summary>
internal sealed record WebhookHit(
    string Path,
    string Id,
    string Timestamp,
    string Signature,
    string? ContentType,
    byte[] Body,
    string? Authorization = null
)
{
    public string Text => Encoding.UTF8.GetString(Body);
}

/// <summary>A real HTTP endpoint on a free loopback port. Answers 200 unless told otherwise.</summary>
internal sealed class LoopbackWebhook : IAsyncDisposable
{
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<WebhookHit> _hits = new();
    private readonly Channel<WebhookHit> _news = Channel.CreateBounded<WebhookHit>(100_000);

    private LoopbackWebhook()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.Zero);
        _app = builder.Build();
        _app.Run(TakeAsync);
    }

    public string Url => _app.Urls.First() + "/hook";

    /// <summary>What every answer is made by; the hit is already recorded.</summary>
    public Func<WebhookHit, HttpContext, Task> Answer { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>All requests so far.</summary>
    public IReadOnlyList<WebhookHit> Hits => [.. _hits];

    public static async Task<LoopbackWebhook> StartAsync()
    {
        var hook = new LoopbackWebhook();
        await hook._app.StartAsync();
        return hook;
    }

    /// <summary>Answers with a status, to every request from now on.</summary>
    public void AnswerWith(int status) =>
        Answer = (_, context) =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        };

    /// <summary>Answers nothing until the client lets go.</summary>
    public void Hang() =>
        Answer = async (_, context) =>
        {
            var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
            await gone.Task;
        };

    /// <summary>The next request that nobody asked for yet.</summary>
    public Task<WebhookHit> NextAsync() => _news.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

    public async Task<IReadOnlyList<WebhookHit>> NextAsync(int count)
    {
        var hits = new List<WebhookHit>();
        while (hits.Count < count)
            hits.Add(await NextAsync());
        return hits;
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
        var headers = context.Request.Headers;
        var hit = new WebhookHit(
            context.Request.Path,
            headers["webhook-id"].ToString(),
            headers["webhook-timestamp"].ToString(),
            headers["webhook-signature"].ToString(),
            context.Request.ContentType,
            body.ToArray(),
            context.Request.Headers.Authorization
        );
        _hits.Enqueue(hit);
        _news.Writer.TryWrite(hit);
        await Answer(hit, context);
    }
}
