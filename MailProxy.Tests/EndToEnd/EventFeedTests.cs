using System.Text.Json.Nodes;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>The events of a tenant, pulled.</summary>
internal sealed class EventFeedTests : DaemonFixture
{
    [Test]
    public async Task Feed_PageByPage_TellsEverythingOnceAndInOrder()
    {
        var ids = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => PostAsync()));
        await _daemon.EventsAsync(e => e.Type == EventType.MessageSent, ids.Length);

        var (seen, cursor) = (new List<JsonNode>(), "");
        for (var page = await FeedAsync("limit=3"); page["data"]!.AsArray().Count > 0; page = await FeedAsync($"limit=3&after={cursor}"))
        {
            seen.AddRange(page["data"]!.AsArray().Select(e => e!.DeepClone()));
            cursor = (string)page["next_cursor"]!;
        }

        Assert.That(seen.Select(static e => (string)e["id"]!), Is.Unique.And.Exactly(10).Items);
        foreach (var id in ids)
            Assert.That(
                seen.Where(e => (string)e["data"]!["message_id"]! == id).Select(static e => (int)e["sequence"]!),
                Is.EqualTo([1, 2])
            );
    }

    [Test]
    public async Task Wait_NothingNew_AnswersWhenSomethingComes()
    {
        await _daemon.UntilAsync(await PostAsync(), EventType.MessageSent);
        Assert.That((await FeedAsync("after="))["data"]!.ToJsonString(), Is.EqualTo((await FeedAsync(""))["data"]!.ToJsonString()));
        var now = (string)(await FeedAsync("after=now"))["next_cursor"]!;
        Assert.That((await FeedAsync($"after={now}"))["data"]!.AsArray(), Is.Empty);

        var waiting = FeedAsync($"after={now}&wait=60");
        var id = await PostAsync();
        Assert.That((string)(await waiting)["data"]![0]!["data"]!["message_id"]!, Is.EqualTo(id));
    }

    [Test]
    public async Task Wait_AtAStop_EndsWithACursor()
    {
        var waiting = FeedAsync("after=now&wait=60");
        _daemon.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication(); // tells everybody; the server itself goes later
        Assert.That((string?)(await waiting)["next_cursor"], Is.Not.Null.And.Not.Empty);
    }

    [TestCase("after=nonsense")]
    [TestCase("wait=61")]
    [TestCase("limit=0")]
    public async Task Feed_WrongParameter_IsRefusedByName(string query)
    {
        using var answer = await _daemon.Http.GetAsync("/v1/events?" + query);
        Assert.That((int)answer.StatusCode, Is.EqualTo(400).Or.EqualTo(422));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("/" + query[..query.IndexOf('=')]));
    }

    [Test]
    public async Task Feed_CursorOfAnOlderProgram_IsGone()
    {
        using var answer = await _daemon.Http.GetAsync("/v1/events?after=OTk5OTk");
        Assert.That((int)answer.StatusCode, Is.EqualTo(410));
        Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("cursor_expired"));
    }

    [Test]
    public async Task Feed_OfATenantThatHasNoEvents_TellsNothingOfTheOthers()
    {
        var quiet = (string)(await FeedAsync("after=now"))["next_cursor"]!;
        var again = (string)(await FeedAsync("after=now"))["next_cursor"]!;
        await PostAsync();

        Assert.That(again, Is.Not.EqualTo(quiet)); // also while nothing happens
        Assert.That((string?)(await FeedAsync($"after={quiet}"))["data"]![0]!["id"], Does.Match("^evt_[0-9a-f]{32}$"));
    }

    private Task<string> PostAsync() =>
        _daemon.PostAsync(
            new
            {
                from = "a@example.com",
                to = "b@example.com",
                text = "x",
            }
        );

    private Task<JsonNode> FeedAsync(string query) => _daemon.GetAsync("/v1/events?" + query);
}
