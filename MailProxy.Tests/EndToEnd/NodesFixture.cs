using System.Globalization;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using NUnit.Framework;

namespace MailProxy.Tests.EndToEnd;

/// <summary>Several daemons that share a database of their own.</summary>
[Parallelizable(ParallelScope.Self)]
internal abstract class NodesFixture
{
    protected const int Accounts = 12;

    private TempDirectory _directory = null!;

    protected string Database { get; private set; } = null!;

    [SetUp]
    public void Make()
    {
        _directory = new();
        Database = PostgresServer.Shared.MakeDatabase();
    }

    [TearDown]
    public void Drop()
    {
        PostgresServer.Shared.DropDatabase(Database);
        _directory.Dispose();
    }

    protected Task<TestDaemon> StartAsync(
        string name,
        int? port = null,
        string? folder = null,
        string beat = "00:00:00.200",
        string timeToLive = "00:00:04",
        TimeProvider? clock = null,
        string? masterKey = null
    ) =>
        TestDaemon.StartAsync(
            Path.Combine(_directory.Path, folder ?? name),
            clock,
            ("Storage:Provider", "postgres"),
            ("Storage:ConnectionString", PostgresServer.Shared.ConnectionString(Database, port)),
            ("Storage:Nodes:Name", name),
            ("Storage:Nodes:Beat", beat),
            ("Storage:Nodes:TimeToLive", timeToLive),
            ("Storage:Nodes:Margin", "00:00:00.200"),
            ("MasterKey", masterKey ?? new string('5', 64))
        );

    protected static object Mail(string id, int account) => Mail(id, Account(account));

    protected static object Mail(string id, string account) =>
        new
        {
            id,
            from = "me@example.org",
            to = new[] { "you@example.com" },
            subject = "Hello",
            text = "Hello.",
            account,
        };

    protected static string Account(int number) => $"a{number.ToString(CultureInfo.InvariantCulture)}";

    protected static async Task PutAccountsAsync(TestDaemon daemon)
    {
        for (var i = 0; i < Accounts; i++)
            Assert.That((int)await daemon.SendAsync(HttpMethod.Put, $"/v1/accounts/{Account(i)}", new { sandbox = true }), Is.EqualTo(201));
    }

    /// <summary>Waits until every lane has one who sends for it, and each node has some.</summary>
    protected static async Task UntilSharedAsync(params TestDaemon[] daemons)
    {
        await Eventually.BecomesAsync(
            () => Task.FromResult(daemons.Select(Held).ToArray()),
            static held => held.Sum() == Accounts + 1 && held.All(static count => count > 0)
        );
    }

    protected static int Held(TestDaemon daemon)
    {
        var nodes = daemon.Services.GetRequiredService<INodes>();
        return ((HeldLanes)nodes.Now).Count;
    }

    protected static async Task PostToAllAsync(TestDaemon daemon, string prefix)
    {
        for (var i = 0; i < Accounts; i++)
            await daemon.PostAsync(Mail($"{prefix}{i}", i));
    }

    protected static async Task UntilSentAsync(TestDaemon daemon, string prefix)
    {
        for (var i = 0; i < Accounts; i++)
            await daemon.UntilAsync($"{prefix}{i}", EventType.MessageSent);
    }
}
