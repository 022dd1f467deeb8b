using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>An account is deleted while mail for it comes in: either the deletion is refused, or the mail is.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class DeletionRaceTests
{
    private const int Rounds = 30,
        Posters = 6;

    private TempDirectory _directory = null!;

    [SetUp]
    public void Start() => _directory = new();

    [TearDown]
    public void Stop() => _directory.Dispose();

    [Test]
    public async Task Delete_WhileMailComesIn_NoMailIsLeftWithoutAnAccount()
    {
        await using var daemon = await TestDaemon.StartAsync(_directory);
        var deleted = 0;
        for (var round = 0; round < Rounds; round++)
        {
            await daemon.PutAccountAsync("del", 9);
            await daemon.SendAsync(HttpMethod.Post, "/v1/accounts/del/pause");
            var posted = Enumerable.Range(0, Posters).Select(poster => PostAsync(daemon, $"r{round}-p{poster}")).ToArray();
            var status = await daemon.SendAsync(HttpMethod.Delete, "/v1/accounts/del");
            var answers = await Task.WhenAll(posted);

            Assert.That(status, Is.AnyOf(HttpStatusCode.NoContent, HttpStatusCode.Conflict));
            Assert.That(
                answers,
                Has.All.Matches<HttpStatusCode>(answer => answer is HttpStatusCode.Accepted or HttpStatusCode.UnprocessableEntity)
            );
            if (status == HttpStatusCode.NoContent)
            {
                deleted++;
                Assert.That(answers, Has.None.EqualTo(HttpStatusCode.Accepted), "a 202 after the account was deleted");
                continue;
            }

            foreach (var id in await WaitingAsync(daemon))
                await daemon.SendAsync(HttpMethod.Post, $"/v1/messages/{id}/cancel");
        }

        Assert.That(await WaitingAsync(daemon), Is.Empty);
        TestContext.Out.WriteLine($"{deleted} of {Rounds} deletions went through");
    }

    private static async Task<HttpStatusCode> PostAsync(TestDaemon daemon, string id)
    {
        using var answer = await daemon.Http.PostAsJsonAsync(
            "/v1/messages",
            new
            {
                id,
                account = "del",
                from = "a@example.com",
                to = "b@example.org",
                text = "x",
            }
        );
        return answer.StatusCode;
    }

    private static async Task<string[]> WaitingAsync(TestDaemon daemon) =>
        [
            .. ((JsonArray)(await daemon.GetAsync("/v1/messages?status=queued&limit=500"))["data"]!).Select(message =>
                (string)message!["id"]!
            ),
        ];
}
