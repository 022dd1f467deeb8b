using System.Text;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>
/// A server that goes silent: the time of that phase alone ends it (all the others are minutes), and whoever is to blame is blamed.
/// </summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class HangingServerTests
{
    [TestCase("STARTTLS", "Command", "starttls", "tls")]
    [TestCase("HANDSHAKE", "Handshake", "starttls", "tls")]
    [TestCase("HANDSHAKE", "Handshake", "tls", "tls")]
    [TestCase("AUTH", "Command", "none", "protocol")]
    public async Task Hang_BeforeTheMail_TheAccountRestsAndTheMailLosesNoAttempt(string phase, string timeout, string security, string kind)
    {
        await using var server = new ScriptedSmtpServer { StartTls = security == "starttls", ImplicitTls = security == "tls" };
        server.Say(phase, ScriptedSmtpServer.Hang).Extensions.Add("AUTH PLAIN");
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, timeout);
        await daemon.SendAsync(
            HttpMethod.Put,
            "/v1/accounts/real",
            new
            {
                host = "127.0.0.1",
                port = server.Port,
                security,
                verify_certificate = false,
                auth = new { user = "u", password = "p" },
            }
        );

        var id = await daemon.PostAsync(
            new
            {
                account = "real",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );
        await daemon.UntilAsync(id, EventType.MessageSent);

        var opened = (await daemon.EventsAsync(e => e.Type == EventType.AccountCircuitOpened, 1)).Single();
        Assert.That(Encoding.UTF8.GetString(opened.Detail.Span), Does.Contain($"\"kind\":\"{kind}\"").And.Contain("took too long"));
        Assert.That(await TypesAsync(daemon, id), Is.EqualTo(new[] { "message.queued", "message.sent" }));
        Assert.That((int)(await daemon.GetAsync($"/v1/messages/{id}"))["attempts"]!, Is.EqualTo(1));
        Assert.That(server.Mails, Has.Count.EqualTo(1));
        await daemon.StopAsync();
    }

    [Test]
    public async Task Hang_InTheBody_TheMailIsDeferredAndTheAccountGoesOn()
    {
        await using var server = new ScriptedSmtpServer().Say("BODY", ScriptedSmtpServer.Hang);
        using var directory = new TempDirectory();
        await using var daemon = await StartAsync(directory, "DataBlock");
        await daemon.PutAccountAsync("real", server.Port);

        var large = await daemon.PostAsync(
            new
            {
                account = "real",
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
                attachments = new[] { new { filename = "a.bin", content = Convert.ToBase64String(new byte[15_000_000]) } },
            }
        );
        await server.Seen("BODY");
        var small = await daemon.PostAsync(
            new
            {
                account = "real",
                from = "a@example.com",
                to = "c@example.com",
                text = "x",
            }
        );
        await daemon.UntilAsync(small, EventType.MessageSent);
        await daemon.UntilAsync(large, EventType.MessageSent);

        Assert.That(
            await TypesAsync(daemon, large),
            Is.EqualTo(new[] { "message.queued", "message.deferred", "message.sent" }),
            "nothing in doubt: the last of it never went out"
        );
        Assert.That(await TypesAsync(daemon, small), Is.EqualTo(new[] { "message.queued", "message.sent" }));
        Assert.That(
            await daemon.EventsAsync(_ => true, 5),
            Has.All.Property(nameof(MailEvent.MessageId)).Not.Null,
            "no trouble of the account"
        );
        await daemon.StopAsync();
    }

    private static Task<TestDaemon> StartAsync(string directory, string timeout) =>
        TestDaemon.StartAsync(
            directory,
            ($"Send:Timeouts:{timeout}", "00:00:01"),
            ("Report:AccountBackoffFirst", "00:00:01"),
            ("Report:AccountBackoffLongest", "00:00:01"),
            ("Report:AuthenticationBackoffFirst", "00:00:01"),
            ("Report:RetryMinutes", "0.01,0.01")
        );

    private static async Task<string[]> TypesAsync(TestDaemon daemon, string id) =>
        [.. (await daemon.GetAsync($"/v1/messages/{id}/events"))["data"]!.AsArray().Select(e => (string)e!["type"]!)];
}
