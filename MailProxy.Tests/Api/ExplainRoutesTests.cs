using System.Text.Json.Nodes;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;
using static MailProxy.Tests.Api.MessageViews;

namespace MailProxy.Tests.Api;

/// <summary>Why mail is where it is, over HTTP.</summary>
[TestFixture]
internal sealed class ExplainRoutesTests
{
    private ApiHost _host = null!;
    private SmtpAccount _account = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _host = await ApiHost.StartAsync();
        _account = await _host.AddAsync(
            new()
            {
                Key = default,
                Tenant = "default",
                Id = "main",
                Version = 1,
                Host = "smtp.example",
                Port = 587,
            }
        );
    }

    [TearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    private MessageView Mine(long number, string id) => View(number, id) with { Account = _account.Key };

    private async Task<JsonNode> GetAsync(string path, int status = 200)
    {
        using var answer = await _host.SendAsync("GET", path);
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), path);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
    }

    private static string[] Reasons(JsonNode answer) =>
        [.. answer["gates"]!.AsArray().Select(gate => $"{gate!["scope"]}: {gate["reason"]}")];

    [Test]
    public async Task Message_WithManyGates_TellsEachInTheOrderThatItMeetsThem()
    {
        _host.Suspended = true;
        _host.Gates[Lanes.Of(_account.Key)] =
        [
            new("account_backoff", At + 5_000, "Connect: connection refused"),
            new("account_limit", At + 9_000, "used 500 of 500 per hour"),
        ];
        _host.Queries.Views.Add(
            Mine(7, "m-7") with
            {
                State = MessageState.Deferred,
                NextAttemptAt = At + 60_000,
                Batch = "june",
                BatchSuspended = true,
                Reason = "the source is down",
            }
        );

        var answer = await GetAsync("/v1/messages/m-7/explain");

        Assert.That(
            Reasons(answer),
            Is.EqualTo([
                "batch: batch_suspended",
                "message: retry",
                "installation: dispatcher_suspended",
                "account: account_backoff",
                "account: account_limit",
            ])
        );
        Assert.Multiple(() =>
        {
            Assert.That(answer["summary"]!.GetValue<string>(), Does.Contain("batches/june/activate"), "the remedy of the first gate");
            Assert.That(answer["next_attempt_at"], Is.Null, "a person must act first");
            Assert.That(answer["position"], Is.Null, "its time has not come");
            Assert.That(answer["route"]!["account"], Is.Null);
            Assert.That(answer["route"]!["candidates"]![0]!["server"]!.GetValue<string>(), Is.EqualTo("smtp.example:587"));
            Assert.That(answer["route"]!["candidates"]![0]!["gates"]!.AsArray(), Has.Count.EqualTo(2));
        });
    }

    [TestCase("account_limit", """[{"limit":"per_hour","used":500,"allowed":500,"opens_at":"2030-01-02T03:05:05Z"}]""")]
    [TestCase("installation_limit", """[{"limit":"warm_up","used":70,"allowed":70,"opens_at":"2030-01-02T03:05:05Z"}]""")]
    [TestCase("tenant_limit", null, Description = "a tenant without limits has no counts")]
    [TestCase("account_backoff", null)]
    public async Task Gate_OfALimit_TellsUsedAndAllowedOfTheWindowsThatHold(string reason, string? limits)
    {
        _host.Used[LimitKey.Of(_account.Key)] = [new(3600, 500, 500, At + 60_000), new(86_400, 500, 9_000, null)];
        _host.Used[LimitKey.Installation] = [new(86_400, 70, 70, At + 60_000, IsWarmUp: true), new(3600, 70, 700, null)];
        _host.Gates[Lanes.Of(_account.Key)] = [new(reason, At + 60_000, "at its limit")];
        _host.Queries.Views.Add(Mine(7, "m-7"));

        var answer = await GetAsync("/v1/messages/m-7/explain");

        Assert.That(answer["gates"]![0]!["limits"]?.ToJsonString(), Is.EqualTo(limits));
    }

    [Test]
    public async Task Message_WaitsForATimeOnly_NextAttemptIsTheLastGatesEnd()
    {
        _host.Gates[Lanes.Of(_account.Key)] = [new("account_limit", At + 90_000, "used 5 of 5 per minute")];
        _host.Queries.Views.Add(Mine(7, "m-7") with { State = MessageState.Scheduled, NextAttemptAt = At + 60_000 });

        var answer = await GetAsync("/v1/messages/m-7/explain");

        Assert.That(answer["next_attempt_at"]!.GetValue<string>(), Is.EqualTo("2030-01-02T03:05:35Z"));
    }

    [TestCase(0, false, "It goes next.")]
    [TestCase(3, false, "It goes as soon as its turn comes; 3 messages go before it.")]
    [TestCase(10_000, true, "It goes as soon as its turn comes; more than 10000 messages go before it.")]
    public async Task Message_NothingHoldsIt_TellsItsPosition(long ahead, bool more, string summary)
    {
        _host.Queries.Views.Add(Mine(7, "m-7"));
        _host.Queries.Positions[7] = new(ahead, more);

        var answer = await GetAsync("/v1/messages/m-7/explain");

        Assert.Multiple(() =>
        {
            Assert.That(Reasons(answer), Is.Empty);
            Assert.That(answer["summary"]!.GetValue<string>(), Is.EqualTo(summary));
            Assert.That(answer["position"]!["ahead"]!.GetValue<long>(), Is.EqualTo(ahead));
            Assert.That(answer["route"]!["account"]!.GetValue<string>(), Is.EqualTo("main"));
        });
    }

    [Test]
    public async Task Message_Final_HasNoGateAndNoRoute()
    {
        _host.Suspended = true;
        _host.Queries.Views.Add(Mine(7, "m-7") with { State = MessageState.Sent });
        var answer = await GetAsync("/v1/messages/m-7/explain");
        Assert.That(
            (Reasons(answer), answer["route"], answer["final"]!.GetValue<bool>()),
            Is.EqualTo((Array.Empty<string>(), (JsonNode?)null, true))
        );
    }

    [Test]
    public async Task Account_PausedAtItsLimit_TellsBothAndTheRemedy()
    {
        using var paused = await _host.SendAsync("POST", "/v1/accounts/main/pause");
        _host.Gates[Lanes.Of(_account.Key)] =
        [
            new("account_paused", null, "the account is paused"),
            new("account_limit", At + 9_000, "used 500 of 500 per hour"),
        ];

        var answer = await GetAsync("/v1/accounts/main/explain");

        Assert.That(Reasons(answer), Is.EqualTo(["account: account_paused", "account: account_limit"]), "each once");
        Assert.That(
            answer["summary"]!.GetValue<string>(),
            Is.EqualTo(
                "The account 'main' was paused by a person; POST /v1/accounts/main/resume lets its mail go. 2 attempts are under way."
            )
        );
    }

    [Test]
    public async Task Where_EachWay_FindsAndExplains()
    {
        _host.Queries.Views.Add(Mine(8, "m-8"));
        foreach (var query in (string[])["address=b@x.example", "id=m-8", "message_id=%3Cm-8@x%3E", "message_id=m-8@x"])
        {
            var data = (await GetAsync($"/v1/where?{query}"))["data"]!.AsArray();
            Assert.That(data.Select(found => found!["id"]!.GetValue<string>()), Is.EqualTo(["m-8"]), query);
        }

        Assert.That((await GetAsync("/v1/where?id=nobody"))["data"]!.AsArray(), Is.Empty);
    }

    [TestCase("")]
    [TestCase("?address=a@x.example&id=m")]
    [TestCase("?id=m&message_id=m")]
    public async Task Where_NotExactlyOne_IsRefusedByName(string query)
    {
        var problem = await GetAsync($"/v1/where{query}", 422);
        Assert.That(problem["errors"]![0]!["pointer"]!.GetValue<string>(), Is.EqualTo("/address"));
        Assert.That(problem["errors"]![0]!["detail"]!.GetValue<string>(), Does.StartWith("Exactly one of"));
    }

    [TestCase("/v1/messages/none/explain")]
    [TestCase("/v1/accounts/none/explain")]
    public Task Explain_Unknown_NotFound(string path) => GetAsync(path, 404);
}
