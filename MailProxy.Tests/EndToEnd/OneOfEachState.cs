using System.Net;
using System.Net.Http.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A daemon that holds one message in each state, its id the state's name, and begins nothing more.</summary>
internal sealed class OneOfEachState : IAsyncDisposable
{
    public static readonly string[] States =
    [
        "queued",
        "scheduled",
        "held",
        "sending",
        "deferred",
        "sent",
        "partially_sent",
        "failed",
        "ambiguous",
        "cancelled",
        "expired",
    ];

    private readonly TempDirectory _directory = new();
    private readonly ScriptedSmtpServer _hanging = new ScriptedSmtpServer().Say("DOT", ScriptedSmtpServer.Hang);
    private TestDaemon _daemon = null!;

    public TestDaemon Daemon => _daemon;

    public static async Task<OneOfEachState> MakeAsync()
    {
        var made = new OneOfEachState();
        await made.FillAsync();
        return made;
    }

    /// <summary>What was posted under the id of that state; the same content again is the same object.</summary>
    public static object Mail(string state, string text = "x") =>
        state switch
        {
            "sending" => new
            {
                id = state,
                account = "hanging",
                from = "a@example.com",
                to = (string[])["b@example.com"],
                text,
            },
            "scheduled" => new
            {
                id = state,
                account = "sandbox",
                from = "a@example.com",
                to = (string[])["b@example.com"],
                text,
                send_at = "2099-01-01T00:00:00Z",
                expires_at = "2099-01-02T00:00:00Z",
            },
            _ => new
            {
                id = state,
                account = "sandbox",
                from = "a@example.com",
                to = To(state),
                text,
                on_ambiguous = "assume_sent",
            },
        };

    public Task<HttpResponseMessage> PostAsync(object mail) => _daemon.Http.PostAsJsonAsync("/v1/messages", mail);

    public Task<HttpResponseMessage> ActAsync(string id, string action, object? body = null) =>
        _daemon.Http.PostAsync($"/v1/messages/{id}/{action}", body is null ? null : JsonContent.Create(body));

    public async ValueTask DisposeAsync()
    {
        await _daemon.StopAsync();
        await _daemon.DisposeAsync();
        await _hanging.DisposeAsync();
        _directory.Dispose();
    }

    private static string[] To(string state) =>
        state switch
        {
            "deferred" => ["temp@example.com"],
            "partially_sent" => ["good@example.com", "perm@example.com"],
            "failed" => ["perm@example.com"],
            "ambiguous" => ["drop@example.com"],
            _ => ["good@example.com"],
        };

    private async Task FillAsync()
    {
        _daemon = await TestDaemon.StartAsync(_directory, ("Drain:GraceSeconds", "1"), ("Drain:ReplySeconds", "0"), ("Log:Level", "Error"));
        await _daemon.PutAccountAsync("hanging", _hanging.Port);

        string[] attempted = ["sending", "deferred", "sent", "partially_sent", "failed", "ambiguous"];
        foreach (var state in attempted)
            await _daemon.PostAsync(Mail(state));
        EventType[] ends =
        [
            EventType.MessageDeferred,
            EventType.MessageSent,
            EventType.MessagePartiallySent,
            EventType.MessageFailed,
            EventType.MessageAmbiguous,
        ];
        foreach (var end in ends)
            await _daemon.EventsAsync(e => e.Type == end, 1);
        await _hanging.Seen("DOT");

        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(HttpStatusCode.OK));
        foreach (var state in States.Except(attempted).Except(["expired"]))
            await _daemon.PostAsync(Mail(state));
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/messages/held/hold"), Is.EqualTo(HttpStatusCode.OK));
        Assert.That(await _daemon.SendAsync(HttpMethod.Post, "/v1/messages/cancelled/cancel"), Is.EqualTo(HttpStatusCode.OK));
        await _daemon.PostAsync(
            new
            {
                id = "expired",
                account = "sandbox",
                from = "a@example.com",
                to = "good@example.com",
                text = "x",
                expires_at = DateTimeOffset.UtcNow.AddSeconds(1),
            }
        );
        await _daemon.UntilAsync("expired", EventType.MessageExpired);

        foreach (var state in States)
            Assert.That((string)(await _daemon.GetAsync($"/v1/messages/{state}"))["status"]!, Is.EqualTo(state));
    }
}
