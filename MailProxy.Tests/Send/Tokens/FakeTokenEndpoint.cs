using System.Collections.Concurrent;
using System.Net;
using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Send.Tokens;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace MailProxy.Tests.Send.Tokens;

/// <summary>A token endpoint without a network, whose answers a test makes up, with the tokens that are asked for there.</summary>
internal sealed class FakeTokenEndpoint : HttpMessageHandler, IRefreshTokens
{
    private int _granted;

    public FakeTokenEndpoint()
    {
        Answer = (_, _) => Task.FromResult(Grant());
        Tokens = new(new(this), this, Metrics, Clock, () => 0.5, NullLogger.Instance);
    }

    public FakeTimeProvider Clock { get; } = new(new(2026, 11, 29, 0, 0, 0, TimeSpan.Zero));
    public PipelineMetrics Metrics { get; } = new(Prometheus.Metrics.NewCustomRegistry());
    public AccountTokens Tokens { get; }

    /// <summary>Every form that was posted.</summary>
    public ConcurrentQueue<IReadOnlyDictionary<string, string>> Forms { get; } = new();

    public Func<IReadOnlyDictionary<string, string>, CancellationToken, Task<HttpResponseMessage>> Answer { get; set; }

    /// <summary>What is stored of refresh tokens, and in which order things happened.</summary>
    public Dictionary<AccountKey, (string Given, string Now)> Stored { get; } = [];

    public Exception? StoreFails { get; set; }

    /// <summary>Whether the turn is free.</summary>
    public Func<bool> IsTurnFree { get; set; } = static () => true;

    /// <summary>Turns that were taken and not given back.</summary>
    public int TurnsHeld { get; private set; }

    public static SmtpAccount Account(int port = 587, OAuthLogin? login = null) =>
        Sample.Account(port) with
        {
            User = "box@x.example",
            OAuth =
                login
                ?? new()
                {
                    TokenUrl = new("https://login.example/token"),
                    ClientId = "client",
                    ClientSecret = "s3cr3t-words",
                },
        };

    /// <summary>A token of its own each time.</summary>
    public HttpResponseMessage Grant(string expires = "3600", string more = "") =>
        Json(
            200,
            $$"""{"token_type":"Bearer","access_token":"token-{{Interlocked.Increment(ref _granted)}}","expires_in":{{expires}}{{more}}}"""
        );

    public static HttpResponseMessage Json(int status, string body) =>
        new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };

    public async Task<string> TextAsync(SmtpAccount account) =>
        (await Tokens.GetAsync(account, null, false, default).WaitAsync(TimeSpan.FromSeconds(30))).Token.Text;

    public Task<string?> FindAsync(AccountKey account, string given) =>
        Task.FromResult(Stored.TryGetValue(account, out var pair) && pair.Given == given ? pair.Now : null);

    public Task SaveAsync(AccountKey account, string given, string now)
    {
        if (StoreFails is { } failure)
            return Task.FromException(failure);
        Stored[account] = (given, now);
        return Task.CompletedTask;
    }

    public Task<bool> TryTakeTurnAsync(AccountKey account)
    {
        var taken = IsTurnFree();
        if (taken)
            TurnsHeld = 1;
        return Task.FromResult(taken);
    }

    public Task EndTurnAsync(AccountKey account)
    {
        TurnsHeld = 0;
        return Task.CompletedTask;
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var form = (await request.Content!.ReadAsStringAsync(cancellationToken))
            .Split('&')
            .Select(static pair => pair.Split('='))
            .ToDictionary(static pair => pair[0], static pair => WebUtility.UrlDecode(pair[1]));
        Forms.Enqueue(form);
        return await Answer(form, cancellationToken);
    }
}
