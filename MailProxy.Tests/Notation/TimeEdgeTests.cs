using System.Text.Json;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Api;
using MailProxy.Tests.Ingest;
using NUnit.Framework;

namespace MailProxy.Tests.Notation;

/// <summary>A time is the same time, or the same mistake, wherever a client writes it.</summary>
[TestFixture]
public sealed class TimeEdgeTests
{
    private ApiHost _host = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _host = await ApiHost.StartAsync();

    [OneTimeTearDown]
    public ValueTask StopAsync() => _host.DisposeAsync();

    [SetUp]
    public async Task ForgetAsync()
    {
        _host.Store.Changes.Clear();
        _host.Queries.Filters.Clear();
        _host.Configuration.Clear<TenantKey>();
        await _host.LoadAsync();
    }

    private static IEnumerable<TestCaseData> Times() => Table.Times.Select(row => new TestCaseData(row.Json, row.Time));

    [TestCaseSource(nameof(Times))]
    public void TryRead_OfJson(string json, long? expected)
    {
        var read = Timestamps.TryRead(JsonElement.Parse(json), out var time);
        Assert.That(read ? time : (long?)null, Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(Times))]
    public void Message_SendAtAndExpiresAt(string json, long? expected)
    {
        var sendAt = Rules.JudgeWith($"\"send_at\":{json}");
        var expiresAt = Rules.JudgeWith($"\"expires_at\":{json}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(sendAt.Mail?.SendAt, Is.EqualTo(expected));
            Assert.That(expiresAt.Mail?.ExpiresAt, Is.EqualTo(expected));
            Assert.That(sendAt.Errors(), Is.EqualTo(Mistake("/send_at", expected)));
            Assert.That(expiresAt.Errors(), Is.EqualTo(Mistake("/expires_at", expected)));
        }
    }

    [TestCaseSource(nameof(Times))]
    public async Task Reschedule_SendAt(string json, long? expected)
    {
        using var answer = await _host.SendAsync("POST", "/v1/messages/m-1/reschedule", $$"""{"send_at":{{json}}}""");
        Assert.That((_host.Store.Changes.SingleOrDefault().Change as MessageChange.Reschedule)?.SendAt, Is.EqualTo(expected));
        await RefusedAsync(answer, "/send_at", expected);
    }

    [TestCaseSource(nameof(Times))]
    public async Task Filter_CreatedAfter(string json, long? expected)
    {
        var written = JsonElement.Parse(json) is { ValueKind: JsonValueKind.String } text ? text.GetString()! : json;
        using var answer = await _host.SendAsync("GET", "/v1/messages?created_after=" + Uri.EscapeDataString(written));
        Assert.That(_host.Queries.Filters.SingleOrDefault()?.CreatedAfter, Is.EqualTo(expected));
        await RefusedAsync(answer, "/created_after", expected);
    }

    [TestCaseSource(nameof(Times))]
    public async Task Key_ExpiresAt(string json, long? expected)
    {
        using var answer = await _host.SendAsync(
            "POST",
            "/v1/tenants/default/keys",
            $$"""{"name":"n","scopes":["read"],"expires_at":{{json}}}"""
        );
        Assert.That(_host.Configuration.Values<TenantKey>().SingleOrDefault()?.ExpiresAt, Is.EqualTo(expected));
        await RefusedAsync(answer, "/expires_at", expected);
    }

    private static (string, string)[] Mistake(string pointer, long? expected) => expected is null ? [(pointer, Timestamps.Code)] : [];

    private static async Task RefusedAsync(HttpResponseMessage answer, string pointer, long? expected)
    {
        if (expected is null)
            Assert.That((await answer.ProblemAsync(422, Timestamps.Code)).Pointers(), Is.EqualTo(new[] { pointer }));
    }
}
