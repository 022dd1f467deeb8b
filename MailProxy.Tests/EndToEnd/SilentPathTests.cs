using System.Net;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A path that swallows packets is noticed by what nobody acknowledges, and not tried again at once.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class SilentPathTests
{
    [Test]
    public async Task OpenConnection_PacketsVanish_TheAccountIsLeftAloneWithoutTryingAnother()
    {
        using var directory = new TempDirectory();
        await using var server = new ScriptedSmtpServer();

        // Another connection would take longer than anybody waits here.
        await using var daemon = await TestDaemon.StartAsync(
            directory,
            ("Send:Timeouts:Connect", "00:10:00"),
            ("Send:Timeouts:Unacknowledged", "00:00:01")
        );
        var account = new
        {
            host = "127.0.0.1",
            port = server.Port,
            security = "none",
            max_connections = 1,
        };
        Assert.That(await daemon.SendAsync(HttpMethod.Put, "/v1/accounts/first", account), Is.EqualTo(HttpStatusCode.Created));
        await daemon.PostAsync(Message("a"));
        await daemon.EventsAsync(static e => e.Type == EventType.MessageSent, 1);

        server.SwallowPackets();
        await daemon.PostAsync(Message("b"));

        var opened = await daemon.EventsAsync(static e => e.Type == EventType.AccountCircuitOpened, 1);
        Assert.That(opened, Has.Count.EqualTo(1));
        var message = await daemon.GetAsync("/v1/messages/b");
        Assert.That(((string)message["status"]!, (int)message["attempts"]!), Is.EqualTo(("queued", 0)), "no attempt is lost to it");
    }

    private static object Message(string id) =>
        new
        {
            id,
            account = "first",
            from = "a@example.com",
            to = $"{id}@example.org",
            text = "x",
        };
}
