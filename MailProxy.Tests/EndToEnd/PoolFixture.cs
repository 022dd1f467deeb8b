using System.Net;
using System.Net.Http.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>A daemon with the accounts first and second in the pool both.</summary>
[Parallelizable(ParallelScope.Self)]
internal abstract class PoolFixture
{
    private TempDirectory _directory = null!;

    protected string Directory => _directory;

    [SetUp]
    public void MakeDirectory() => _directory = new();

    [TearDown]
    public void RemoveDirectory() => _directory.Dispose();

    protected async Task<TestDaemon> StartAsync(
        string strategy,
        int first,
        int second,
        string[]? firstAllows = null,
        params (string Name, string Value)[] settings
    )
    {
        var daemon = await TestDaemon.StartAsync(_directory, settings);
        async Task Put(string path, object body) =>
            Assert.That(await daemon.SendAsync(HttpMethod.Put, path, body), Is.EqualTo(HttpStatusCode.Created), path);
        await Put("/v1/accounts/first", Account(first, firstAllows));
        await Put("/v1/accounts/second", Account(second));
        await Put("/v1/pools/both", new { strategy, accounts = (string[])["first", "second"] });
        return daemon;
    }

    protected static object Account(int port, string[]? allows = null) =>
        new
        {
            host = "127.0.0.1",
            port,
            security = "none",
            max_connections = 4,
            from_allowed = allows ?? [],
        };

    protected static object Message(string id, string? account = null) =>
        account is null
            ? new
            {
                id,
                pool = "both",
                from = "a@example.com",
                to = $"{id}@example.org",
                text = "x",
            }
            : new
            {
                id,
                account,
                from = "a@example.com",
                to = $"{id}@example.org",
                text = "x",
            };

    protected static async Task BurstAsync(TestDaemon daemon, string prefix, int count)
    {
        object[] messages = [.. Enumerable.Range(0, count).Select(i => Message($"{prefix}{i}"))];
        using var answer = await daemon.Http.PostAsJsonAsync("/v1/messages/batch", new { messages });
        var body = await answer.Content.ReadAsStringAsync();
        Assert.That(body, Does.Not.Contain("error"), body);
    }

    protected static Task SentAsync(TestDaemon daemon, int count) => daemon.EventsAsync(static e => e.Type == EventType.MessageSent, count);

    protected static IEnumerable<string> Ids(ScriptedSmtpServer server) => server.Taken.SelectMany(static mail => mail.Accepted);
}
