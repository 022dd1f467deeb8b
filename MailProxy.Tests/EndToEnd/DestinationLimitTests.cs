using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Limits of an account for single domains: they hold up nobody else, say why, survive a restart, and act at once.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.Self)]
internal sealed class DestinationLimitTests
{
    private static readonly object Narrow = new
    {
        destinations = new Dictionary<string, object> { ["slow.example"] = new { per_hour = 2 } },
    };
    private static readonly object Wide = new
    {
        destinations = new Dictionary<string, object> { ["slow.example"] = new { per_hour = 100 } },
    };

    private readonly TempDirectory _directory = new();
    private readonly ScriptedSmtpServer _server = new();

    [TearDown]
    public async Task Stop()
    {
        await _server.DisposeAsync();
        _directory.Dispose();
    }

    private static Task<string> PostAsync(TestDaemon daemon, params string[] to) =>
        daemon.PostAsync(
            new
            {
                account = "real",
                from = "a@example.com",
                to,
                text = "x",
            }
        );

    private int Sent(string domain) =>
        _server.Mails.Sum(mail => mail.Recipients.Count(to => to.EndsWith(domain, StringComparison.Ordinal)));

    [Test]
    public async Task AtItsLimit_OthersGo_ItSaysWhy_ARestartForgetsNothing_ARaiseActsAtOnce()
    {
        var ids = new List<string>();
        await using (var first = await TestDaemon.StartAsync(_directory))
        {
            await first.PutAccountAsync("real", _server.Port, Narrow);
            for (var i = 0; i < 6; i++)
                ids.Add(await PostAsync(first, $"b{i}@slow.example"));
            for (var i = 0; i < 4; i++)
                await PostAsync(first, $"b{i}@fast.example");
            await first.EventsAsync(e => e.Type == EventType.MessageSent, 6);
            await AssertFourWaitAsync(first, ids);
            await first.StopAsync();
        }

        await using var second = await TestDaemon.StartAsync(_directory);
        await second.UntilAsync(await PostAsync(second, "probe@fast.example"), EventType.MessageSent);
        var late = await PostAsync(second, "late@slow.example");
        await WaitsAsync(second, late);
        Assert.That(Sent("slow.example"), Is.EqualTo(2));

        await second.PutAccountAsync("real", _server.Port, Wide);
        await second.EventsAsync(e => e.Type == EventType.MessageSent, 12);
        Assert.That((Sent("slow.example"), Sent("fast.example")), Is.EqualTo((7, 5)));
        await second.StopAsync();
    }

    [Test]
    public async Task AMessageToBoth_GoesWhereItMayAndTheRestWaits()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        await daemon.PutAccountAsync("real", _server.Port, Narrow);
        await daemon.UntilAsync(await PostAsync(daemon, "1@slow.example"), EventType.MessageSent);

        var id = await PostAsync(daemon, "2@slow.example", "3@fast.example", "4@slow.example");
        await WaitsAsync(daemon, id);

        var recipients = (await daemon.GetAsync($"/v1/messages/{id}"))["recipients"]!.AsArray();
        Assert.That(recipients.Select(static to => (string)to!["status"]!), Is.EqualTo(["sent", "sent", "pending"]));
        await daemon.PutAccountAsync("real", _server.Port);
        await daemon.UntilAsync(id, EventType.MessageSent);
        Assert.That(Sent("slow.example"), Is.EqualTo(3));
        Assert.That((int)(await daemon.GetAsync($"/v1/messages/{id}"))["attempts"]!, Is.EqualTo(2), "waiting is no attempt");
        await daemon.StopAsync();
    }

    private async Task AssertFourWaitAsync(TestDaemon daemon, IEnumerable<string> ids)
    {
        var waiting = new List<string>();
        foreach (var id in ids)
        {
            if ((string)(await daemon.GetAsync($"/v1/messages/{id}"))["status"]! == "queued")
                waiting.Add(id);
        }

        Assert.That(waiting, Has.Count.EqualTo(4));
        foreach (var id in waiting)
            await WaitsAsync(daemon, id);
        Assert.That(Sent("slow.example"), Is.EqualTo(2));
        var shown = (await daemon.GetAsync("/v1/accounts/real"))["destinations_now"]!.AsArray().Single()!;
        Assert.That(
            ((string)shown["domain"]!, (int)shown["limits"]![0]!["used"]!, shown["opens_at"] is not null),
            Is.EqualTo(("slow.example", 2, true))
        );
        var gate = (await daemon.GetAsync($"/v1/messages/{waiting[0]}/explain"))["gates"]![0]!;
        Assert.That(((string)gate["reason"]!, (string)gate["scope"]!), Is.EqualTo(("destination_limit", "message")));
    }

    private static Task WaitsAsync(TestDaemon daemon, string id) =>
        Eventually.BecomesAsync(
            () => daemon.GetAsync($"/v1/messages/{id}"),
            static m =>
                (string?)m["waiting_for"]?["reason"] == "destination_limit"
                && ((string)m["waiting_for"]!["detail"]!).Contains("slow.example", StringComparison.Ordinal)
                && m["waiting_for"]!["until"] is not null
        );
}
