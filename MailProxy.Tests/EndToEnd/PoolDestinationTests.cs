using System.Net;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A pool whose accounts have limits for a domain: its mail goes by whoever has room.</summary>
[TestFixture]
internal sealed class PoolDestinationTests : PoolFixture
{
    private static object Limited(int port, int perHour) =>
        new
        {
            host = "127.0.0.1",
            port,
            security = "none",
            max_connections = 4,
            limits = new { destinations = new Dictionary<string, object> { ["example.org"] = new { per_hour = perHour } } },
        };

    [Test]
    public async Task FirstAtItsLimit_TheSecondTakesTheRest_NoAttemptIsLostAndItIsExplained([Values] bool weighted)
    {
        await using ScriptedSmtpServer first = new(),
            second = new();
        await using var daemon = await StartAsync(weighted ? "weighted" : "failover", first.Port, second.Port);
        await PutAsync(daemon, "first", Limited(first.Port, 2));

        await BurstAsync(daemon, "a", 60);
        await SentAsync(daemon, 60);

        Assert.That((first.Mails.Count, second.Mails.Count), Is.EqualTo((2, 58)));
        Assert.That(await daemon.EventsAsync(static e => e.Type is EventType.MessageDeferred or EventType.MessageFailed, 0), Is.Empty);
        foreach (var id in (string[])["a0", "a30", "a59"])
            Assert.That((int)(await daemon.GetAsync($"/v1/messages/{id}"))["attempts"]!, Is.EqualTo(1), id);
        await daemon.StopAsync();
    }

    [Test]
    public async Task AllAtTheirLimit_ItWaits_SaysWhy_SurvivesARestart_AndARaiseActsAtOnce()
    {
        await using ScriptedSmtpServer first = new(),
            second = new();
        var waiting = "";
        await using (var daemon = await StartAsync("failover", first.Port, second.Port))
        {
            await PutAsync(daemon, "first", Limited(first.Port, 2));
            await PutAsync(daemon, "second", Limited(second.Port, 3));
            await BurstAsync(daemon, "a", 8);
            await SentAsync(daemon, 5);
            Assert.That((first.Mails.Count, second.Mails.Count), Is.EqualTo((2, 3)));

            for (var i = 0; i < 8 && waiting.Length == 0; i++)
            {
                if ((string)(await daemon.GetAsync($"/v1/messages/a{i}"))["status"]! == "queued")
                    waiting = $"a{i}";
            }

            await ExplainedAsync(daemon, waiting);
            await daemon.PostAsync(
                new
                {
                    id = "other",
                    pool = "both",
                    from = "a@example.com",
                    to = "b@other.example",
                    text = "x",
                }
            );
            await SentAsync(daemon, 6);
            await daemon.StopAsync();
        }

        await using var again = await TestDaemon.StartAsync(Directory);
        await ExplainedAsync(again, waiting);
        Assert.That((int)(await again.GetAsync($"/v1/messages/{waiting}"))["attempts"]!, Is.Zero);

        await PutAsync(again, "second", Limited(second.Port, 1_000));
        await SentAsync(again, 9);
        Assert.That((first.Mails.Count, second.Mails.Count), Is.EqualTo((3, 6)));
        await again.StopAsync();
    }

    [Test]
    public async Task TheOtherIsPaused_WhatWaitsGoesByItWhenItIsResumed()
    {
        await using ScriptedSmtpServer first = new(),
            second = new();
        await using var daemon = await StartAsync("failover", first.Port, second.Port);
        await PutAsync(daemon, "first", Limited(first.Port, 2));
        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/second/pause"), Is.EqualTo(HttpStatusCode.OK));
        await BurstAsync(daemon, "a", 5);
        await SentAsync(daemon, 2);
        await Eventually.BecomesAsync(
            () => daemon.GetAsync("/v1/messages?status=queued"),
            static list => list["data"]!.AsArray().Count == 3
        );

        Assert.That(await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/second/resume"), Is.EqualTo(HttpStatusCode.OK));
        await SentAsync(daemon, 5);
        Assert.That((first.Mails.Count, second.Mails.Count), Is.EqualTo((2, 3)));
        await daemon.StopAsync();
    }

    private static async Task PutAsync(TestDaemon daemon, string account, object body) =>
        Assert.That(await daemon.SendAsync(HttpMethod.Put, $"/v1/accounts/{account}", body), Is.EqualTo(HttpStatusCode.OK));

    private static async Task ExplainedAsync(TestDaemon daemon, string id)
    {
        var explained = await Eventually.BecomesAsync(
            () => daemon.GetAsync($"/v1/messages/{id}/explain"),
            static e => (string?)e["gates"]?.AsArray().FirstOrDefault()?["reason"] == "destination_limit"
        );
        Assert.That((string)explained["gates"]![0]!["detail"]!, Does.Contain("accounts of its pool").And.Contain("example.org"));
        Assert.That(explained["gates"]![0]!["until"], Is.Not.Null);
        Assert.That(explained["route"]!["account"], Is.Null);
        foreach (var candidate in explained["route"]!["candidates"]!.AsArray())
        {
            var gate = candidate!["gates"]![0]!;
            Assert.That((string)gate["reason"]!, Is.EqualTo("destination_limit"));
            Assert.That((string)gate["detail"]!, Does.Contain($"account '{candidate["account"]}'"));
        }
    }
}
