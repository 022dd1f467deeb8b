using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Tests.Dashboard;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Several daemons that share a database.</summary>
internal sealed class NodesTests
{
    private const int Accounts = 12;

    private TempDirectory _directory = null!;
    private string _database = null!;
    private CuttableProxy? _way;

    [SetUp]
    public void Make()
    {
        _directory = new();
        _database = PostgresServer.Shared.MakeDatabase();
    }

    [TearDown]
    public void Drop()
    {
        _way?.Dispose();
        PostgresServer.Shared.DropDatabase(_database);
        _directory.Dispose();
    }

    private Task<TestDaemon> StartAsync(
        string name,
        int? port = null,
        string? folder = null,
        string beat = "00:00:00.200",
        string timeToLive = "00:00:04"
    ) =>
        TestDaemon.StartAsync(
            Path.Combine(_directory.Path, folder ?? name),
            ("Storage:Provider", "postgres"),
            ("Storage:ConnectionString", PostgresServer.Shared.ConnectionString(_database, port)),
            ("Storage:Nodes:Name", name),
            ("Storage:Nodes:Beat", beat),
            ("Storage:Nodes:TimeToLive", timeToLive),
            ("Storage:Nodes:Margin", "00:00:00.200"),
            ("MasterKey", new string('5', 64))
        );

    private static object Mail(string id, int account) =>
        new
        {
            id,
            from = "me@example.org",
            to = new[] { "you@example.com" },
            subject = "Hello",
            text = "Hello.",
            account = Account(account),
        };

    private static string Account(int number) => $"a{number.ToString(CultureInfo.InvariantCulture)}";

    private static async Task PutAccountsAsync(TestDaemon daemon)
    {
        for (var i = 0; i < Accounts; i++)
            Assert.That((int)await daemon.SendAsync(HttpMethod.Put, $"/v1/accounts/{Account(i)}", new { sandbox = true }), Is.EqualTo(201));
    }

    /// <summary>Waits until every lane has one who sends for it, and each node has some.</summary>
    private static async Task UntilSharedAsync(params TestDaemon[] daemons)
    {
        await Eventually.BecomesAsync(
            () => Task.FromResult(daemons.Select(Held).ToArray()),
            static held => held.Sum() == Accounts + 1 && held.All(static count => count > 0)
        );
    }

    private static int Held(TestDaemon daemon)
    {
        var nodes = daemon.Services.GetRequiredService<INodes>();
        return ((HeldLanes)nodes.Now).Count;
    }

    private static async Task PostToAllAsync(TestDaemon daemon, string prefix)
    {
        for (var i = 0; i < Accounts; i++)
            await daemon.PostAsync(Mail($"{prefix}{i}", i));
    }

    private static async Task UntilSentAsync(TestDaemon daemon, string prefix)
    {
        for (var i = 0; i < Accounts; i++)
            await daemon.UntilAsync($"{prefix}{i}", EventType.MessageSent);
    }

    [Test]
    public async Task Post_AnyNode_GoesByTheNodeThatHoldsTheLane()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartAsync("two");
        await UntilSharedAsync(one, two);

        await PostToAllAsync(one, "m");
        await PostToAllAsync(two, "n");
        await UntilSentAsync(one, "n");
        await UntilSentAsync(two, "m");

        var sent = await one.EventsAsync(static e => e.Type == EventType.MessageSent, 2 * Accounts);
        Assert.That(sent, Has.Count.EqualTo(2 * Accounts), "each once");
        Assert.That(await MailboxAsync(one) + await MailboxAsync(two), Is.EqualTo(2 * Accounts));
        Assert.That(await MailboxAsync(one), Is.InRange(1, 2 * Accounts - 1));
    }

    private static async Task<int> MailboxAsync(TestDaemon daemon) =>
        ((JsonArray)(await daemon.GetAsync("/v1/sandbox/messages?limit=100"))["data"]!).Count;

    [Test]
    public async Task Stop_TheOtherTakesOver()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using (var two = await StartAsync("two"))
        {
            await UntilSharedAsync(one, two);
            await two.StopAsync();
        }

        await PostToAllAsync(one, "m");
        await UntilSentAsync(one, "m");
        Assert.That(Held(one), Is.EqualTo(Accounts + 1));
    }

    [Test]
    public async Task StartAndStop_LanesGoOverWithoutWaitingForABeat()
    {
        Task<TestDaemon> StartSlowAsync(string name) => StartAsync(name, beat: "00:00:30", timeToLive: "00:05:00");
        await using var one = await StartSlowAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartSlowAsync("two");
        await UntilSharedAsync(one, two);
        await two.StopAsync();

        await Eventually.BecomesAsync(
            () => Task.FromResult(Held(one)),
            static held => held == Accounts + 1,
            within: TimeSpan.FromSeconds(15)
        );
    }

    [Test]
    public async Task Node_CannotReachTheDatabase_IsDeclaredDeadAndEnds()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        _way = new(PostgresServer.Shared.PortNumber);
        await using var two = await StartAsync("two", _way.Port);
        await UntilSharedAsync(one, two);

        _way.Swallow();
        await PostToAllAsync(one, "m");
        await UntilSentAsync(one, "m");
        _way.Mend();
        await two.UntilStoppedAsync();
    }

    [Test]
    public async Task Put_IsInForceAtTheOthersWhenItIsAnswered()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        for (var i = 0; i < 5; i++)
        {
            var body = new { sandbox = true, description = $"D{i}" };
            using var put = await one.Http.PutAsJsonAsync("/v1/accounts/shared", body);
            Assert.That(put.Headers.Contains("MailProxy-Pending-Nodes"), Is.False);
            Assert.That((string?)(await two.GetAsync("/v1/accounts/shared"))["description"], Is.EqualTo($"D{i}"));
        }

        Assert.That((int)await two.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(200));
        Assert.That((bool)(await one.GetAsync("/v1/status"))["suspended"]!, Is.True);
        Assert.That((int)await one.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate"), Is.EqualTo(200));
        Assert.That((bool)(await two.GetAsync("/v1/status"))["suspended"]!, Is.False);
    }

    [Test]
    public async Task Feed_AtAnotherNode_WakesAndHasNoHole()
    {
        await using var one = await StartAsync("one");
        await using var two = await StartAsync("two");
        var cursor = (string)(await two.GetAsync("/v1/events?after=now"))["next_cursor"]!;
        var wait = two.GetAsync($"/v1/events?after={cursor}&wait=30");
        await one.PostAsync(
            new
            {
                id = "m",
                from = "me@example.org",
                to = new[] { "you@example.com" },
                text = "Hello.",
                account = "sandbox",
            }
        );
        var answer = await wait;
        Assert.That(answer.ToJsonString(), Does.Contain("\"m\""));
    }

    [Test]
    public async Task Change_OfAMessageThatAnotherNodeSends_IsMade()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartAsync("two");
        await UntilSharedAsync(one, two);
        Assert.That((int)await one.SendAsync(HttpMethod.Post, "/v1/dispatcher/suspend"), Is.EqualTo(200));
        await PostToAllAsync(one, "m");
        for (var i = 0; i < Accounts; i++)
        {
            var at = i % 2 == 0 ? one : two;
            Assert.That((int)await at.SendAsync(HttpMethod.Post, $"/v1/messages/m{i}/cancel"), Is.EqualTo(200));
        }

        await PostToAllAsync(two, "n");
        Assert.That((int)await two.SendAsync(HttpMethod.Post, "/v1/dispatcher/activate"), Is.EqualTo(200));
        await UntilSentAsync(one, "n");
        Assert.That(await MailboxAsync(one) + await MailboxAsync(two), Is.EqualTo(Accounts));
    }

    [Test]
    public async Task LargeBody_TakenByOneNode_IsSentByAnother()
    {
        await using var one = await StartAsync("one");
        await PutAccountsAsync(one);
        await using var two = await StartAsync("two");
        await UntilSharedAsync(one, two);
        var text = new string('x', 400_000);
        for (var i = 0; i < Accounts; i++)
        {
            await one.PostAsync(
                new
                {
                    id = $"m{i}",
                    from = "me@example.org",
                    to = new[] { "you@example.com" },
                    text,
                    account = Account(i),
                }
            );
        }

        await UntilSentAsync(two, "m");
        Assert.That(await MailboxAsync(one) + await MailboxAsync(two), Is.EqualTo(Accounts));
    }

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

    [Test]
    public async Task Schema_NeedsANewerProgram_TheNodeEnds()
    {
        await using var one = await StartAsync("one");
        PostgresServer.Shared.Execute(_database, "UPDATE mailproxy.schema_version SET min_program = 999");

        await Assert.ThatAsync(
            () => one.Services.GetRequiredService<Stores>().Completion.WaitAsync(TestDaemon.Deadline),
            Throws.Exception.With.Message.Contains("install the newer version")
        );
    }

    [Test]
    public async Task Start_NameThatLives_IsRefused()
    {
        await using var one = await StartAsync("one");
        await Assert.ThatAsync(
            async () => await StartAsync("one", folder: "other"),
            Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("Storage:Nodes:Name")
        );
    }
}
