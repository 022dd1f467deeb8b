using System.Net;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>The daemon with its store in PostgreSQL.</summary>
[Parallelizable(ParallelScope.Self)]
internal sealed class PostgresTests
{
    private TempDirectory _directory = null!;
    private string _database = null!;

    [SetUp]
    public void Make()
    {
        _directory = new();
        _database = PostgresServer.Shared.MakeDatabase();
    }

    [TearDown]
    public void Drop()
    {
        PostgresServer.Shared.DropDatabase(_database);
        _directory.Dispose();
    }

    private Task<TestDaemon> StartAsync(string folder = "a") =>
        TestDaemon.StartAsync(
            Path.Combine(_directory.Path, folder),
            ("Storage:Provider", "postgres"),
            ("Storage:ConnectionString", PostgresServer.Shared.ConnectionString(_database)),
            ("MasterKey", new string('5', 64))
        );

    private static object Mail(string id) =>
        new
        {
            id,
            from = "me@example.org",
            to = new[] { "you@example.com" },
            subject = "Hello",
            text = "Hello.",
            account = "sandbox",
        };

    [Test]
    public async Task Post_IsSentAndKnownAfterARestart()
    {
        await using (var daemon = await StartAsync())
        {
            await daemon.PostAsync(Mail("m1"));
            await daemon.UntilAsync("m1", EventType.MessageSent);
            await daemon.StopAsync();
        }

        await using var again = await StartAsync();
        Assert.That((string?)(await again.GetAsync("/v1/messages/m1"))["status"], Is.EqualTo("sent"));
        await again.PostAsync(Mail("m2"));
        await again.UntilAsync("m2", EventType.MessageSent);
    }

    [Test]
    public async Task Post_ConnectionsCutAgainAndAgain_EverythingAcknowledgedIsSentOnce()
    {
        await using var daemon = await StartAsync();
        var acknowledged = new List<string>();
        for (var i = 0; i < 60; i++)
        {
            if (i % 10 == 5)
                PostgresServer.Shared.CutOff(_database);
            using var answer = await daemon.Http.PostAsync("/v1/messages", System.Net.Http.Json.JsonContent.Create(Mail($"m{i}")));
            if (answer.StatusCode == HttpStatusCode.Accepted)
                acknowledged.Add($"m{i}");
            else
                Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable), await answer.Content.ReadAsStringAsync());
        }

        Assert.That(acknowledged, Has.Count.GreaterThan(20));
        foreach (var id in acknowledged)
            await daemon.UntilAsync(id, EventType.MessageSent);
    }

    [Test]
    public void Start_NoServerThere_IsRefusedInOneLine() =>
        Assert.That(
            async () =>
                await TestDaemon.StartAsync(
                    _directory.Path,
                    ("Storage:Provider", "postgres"),
                    ("Storage:ConnectionString", $"Host=127.0.0.1;Port={FreePort.Take()};Username=x;Database=x")
                ),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Matches("^PostgreSQL cannot be reached: [^\n]*$")
        );
}
