using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Tests.Dashboard;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>What is the same at every node beside mail.</summary>
internal sealed class NodeSharingTests : NodesFixture
{
    [Test]
    public async Task SignIn_AtOneNode_IsKnownAtTheOther()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        using var person = new Person(one.Url); // cookies are the host's, whatever the port
        await person.SignInAsync(TestDaemon.Key);

        using var view = await person.Http.GetAsync(two.Url + "/ui/");

        Assert.That(view.StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task Requests_OfOneNode_AreSeenAtTheOther()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        await one.SendAsync(HttpMethod.Put, "/v1/accounts/a", new { sandbox = true });

        var seen = await Eventually.BecomesAsync(
            async () => (JsonArray)(await two.GetAsync("/v1/requests"))["data"]!,
            static data => data.Any(static one => (string?)one!["path"] == "/v1/accounts/a")
        );
        Assert.That((string?)seen[0]!["node"], Is.EqualTo("one"));
    }

    [TestCase(-100)]
    [TestCase(100)]
    public async Task Limit_UsedAtANodeWhoseClockIsWrong_HoldsAtTheOther(int secondsAhead)
    {
        var machine = new SteppingClock();
        machine.Step(TimeSpan.FromSeconds(secondsAhead));
        await using (var one = await StartAsync("one", clock: new NodeClock(machine)))
        {
            await one.SendAsync(HttpMethod.Put, "/v1/accounts/a", new { sandbox = true, limits = new { per_minute = 2 } });
            for (var i = 0; i < 2; i++)
                await one.UntilAsync(await one.PostAsync(Mail($"sent{i}", "a")), EventType.MessageSent);
            machine.Step(TimeSpan.FromSeconds(-2 * secondsAhead));
        }

        await using var two = await StartAsync("two");
        var waits = await two.PostAsync(Mail("waits", "a"));

        var waiting = await Eventually.BecomesAsync(
            () => two.GetAsync($"/v1/messages/{waits}"),
            static message => (string?)message["waiting_for"]?["reason"] == "account_limit"
        );
        var until = DateTimeOffset.Parse((string)waiting["waiting_for"]!["until"]!, CultureInfo.InvariantCulture);
        Assert.That(until - DateTimeOffset.UtcNow, Is.InRange(TimeSpan.Zero, TimeSpan.FromSeconds(61)));
    }

    [Test]
    public async Task Schema_NeedsANewerProgram_TheNodeEnds()
    {
        await using var one = await StartAsync("one");
        PostgresServer.Shared.Execute(Database, "UPDATE mailproxy.schema_version SET min_program = 999");

        await Assert.ThatAsync(
            () => one.Services.GetRequiredService<Stores>().Completion.WaitAsync(TestDaemon.Deadline),
            Throws.Exception.With.Message.Contains("install the newer version")
        );
    }
}
