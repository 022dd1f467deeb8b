using System.Net;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A relay that asks for less to one domain, seen from outside.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class SlowedDestinationTests
{
    private const string Profile = """
        {"hosts": ["127.0.0.1"], "rules": [{"name": "busy", "code": "4xx", "text": "not so fast", "phase": "rcpt",
            "scope": "destination", "action": "slow", "per_minute": 1, "wait": "1h", "for": "1h"}]}
        """;

    [Test]
    public async Task Throttled_TheDomainIsSlowedAndItIsShown_OthersGo_AResetLetsAllGo()
    {
        var isBusy = 1;
        await using var server = new ScriptedSmtpServer(heard =>
            Volatile.Read(ref isBusy) == 1 && heard.Verb == "RCPT" ? new Said("450 4.7.1 not so fast\r\n") : null
        );
        using TempDirectory directory = new(),
            profiles = new();
        await File.WriteAllTextAsync(Path.Combine(profiles, "here.json"), Profile);
        await using var daemon = await TestDaemon.StartAsync(directory.Path, ("Verdicts:Directory", profiles.Path));
        await daemon.PutAccountAsync("relay", server.Port);
        var first = await PostAsync(daemon, "a@slow.example");
        await daemon.UntilAsync(first, EventType.MessageDeferred);
        Volatile.Write(ref isBusy, 0);
        var shown = await Eventually.BecomesAsync(
            () => daemon.GetAsync("/v1/accounts/relay"),
            static account => account["destinations_now"]?[0]?["adaptive"] is not null
        );
        var slowed = shown["destinations_now"]![0]!;
        Assert.That(((string)slowed["domain"]!, (double)slowed["adaptive"]!["per_minute"]!), Is.EqualTo(("slow.example", 1.0)));
        Assert.That((string)slowed["adaptive"]!["because"]!, Is.EqualTo("here/busy: 4.7.1 not so fast"));
        Assert.That(shown["adaptive"], Is.Null, "the account goes on");
        Assert.That(await daemon.Http.GetStringAsync("/metrics"), Does.Contain("mailproxy_destinations_slowed 1\n"));

        await daemon.UntilAsync(await PostAsync(daemon, "b@slow.example"), EventType.MessageSent);
        var waits = await PostAsync(daemon, "c@slow.example");
        await daemon.UntilAsync(await PostAsync(daemon, "d@fast.example"), EventType.MessageSent);
        await Eventually.BecomesAsync(
            () => daemon.GetAsync($"/v1/messages/{waits}"),
            static message => (string?)message["waiting_for"]?["reason"] == "destination_limit"
        );
        var route = (await daemon.GetAsync($"/v1/messages/{waits}/explain"))["route"]!["candidates"]![0]!["gates"]![0]!;
        Assert.That((string)route["detail"]!, Does.Contain("slowed for mail to slow.example").And.Contain("here/busy"));

        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/relay/adaptive/reset"), Is.EqualTo(HttpStatusCode.OK));
        await daemon.UntilAsync(waits, EventType.MessageSent);
        Assert.That((await daemon.GetAsync("/v1/accounts/relay"))["destinations_now"], Is.Null);
        Assert.That((int)(await daemon.GetAsync($"/v1/messages/{waits}"))["attempts"]!, Is.EqualTo(1));
        await daemon.StopAsync();
    }

    private static Task<string> PostAsync(TestDaemon daemon, string to) =>
        daemon.PostAsync(
            new
            {
                account = "relay",
                from = "a@example.com",
                to,
                text = "x",
            }
        );
}
