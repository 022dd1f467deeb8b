using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Packaging;

/// <summary>The alerts of nodes, as <see cref="AlertRehearsalTests"/> does for the others.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[Parallelizable(ParallelScope.Self)]
internal sealed class NodeAlertRehearsalTests
{
    private readonly TempDirectory _directory = new();
    private readonly RehearsedScrapes _scrapes = new();
    private readonly CuttableProxy _way = new(PostgresServer.Shared.PortNumber);
    private string _database = null!;

    [SetUp]
    public void Make() => _database = PostgresServer.Shared.MakeDatabase();

    [TearDown]
    public void Drop()
    {
        _way.Dispose();
        PostgresServer.Shared.DropDatabase(_database);
        _directory.Dispose();
    }

    [Test]
    public async Task NodeMissing_OneOfTwoWasStopped()
    {
        await using var one = await StartAsync("one");
        await using (var two = await StartAsync("two"))
        {
            await UntilAsync(one, "mailproxy_nodes", static nodes => nodes == 2);
            await HealthyAsync(one);
        }

        await UntilAsync(one, "mailproxy_nodes", static nodes => nodes == 1);
        await UntilAsync(one, "mailproxy_lanes_without_node", static count => count == 0); // taken over, a moment later
        await SeesAsync(one, "mailproxy_nodes", static nodes => nodes == 1);
        await _scrapes.FireAsync(6, "MailProxyNodeMissing");
    }

    [Test]
    public async Task NodeBlind_TheWayToTheDatabaseIsCut()
    {
        await using var one = await StartAsync("one", _way.Port);
        await HealthyAsync(one);
        _way.Cut();
        await SeesAsync(one, "mailproxy_node_beat_age_seconds", static age => age > 10);
        await _scrapes.FireAsync(2, "MailProxyNodeBlind");
        _way.Mend();
    }

    [Test]
    public async Task LanesWithoutNodeAndProfilesDiffer_ANodeOfOtherProfilesDoesNotBegin()
    {
        await using var one = await StartAsync("one");
        for (var number = 0; number < 12; number++)
            await one.SendAsync(HttpMethod.Put, $"/v1/accounts/a{number}", new { sandbox = true });
        await UntilAsync(one, "mailproxy_node_lanes", static lanes => lanes == 13);
        await HealthyAsync(one);
        PostgresServer.Shared.Execute(
            _database,
            """
            WITH other AS (INSERT INTO mailproxy.nodes (name, place, version, started_at) VALUES ('two', 'p', '1', 1) RETURNING session)
            INSERT INTO mailproxy.beats (session, profiles) SELECT session, 'others' FROM other
            """
        );
        await SeesAsync(one, "mailproxy_lanes_without_node", static lanes => lanes > 0);
        await _scrapes.FireAsync(3, "MailProxyLanesWithoutNode");
        await _scrapes.FireAsync(11, "MailProxyLanesWithoutNode", "MailProxyProfilesDiffer");
    }

    [Test]
    public async Task ConfigurationBehind_WhatIsStoredCannotBeRead()
    {
        await using var one = await StartAsync("one");
        await one.SendAsync(HttpMethod.Put, "/v1/accounts/a", new { sandbox = true });
        await UntilAsync(one, "mailproxy_node_lanes", static lanes => lanes == 2);
        await HealthyAsync(one);
        PostgresServer.Shared.Execute(_database, "SET search_path = mailproxy; UPDATE accounts SET config = 'x' WHERE id = 'a'");
        await SeesAsync(one, "mailproxy_node_configuration_behind", static behind => behind == 1);
        await _scrapes.FireAsync(3, "MailProxyConfigurationBehind");
    }

    private Task<TestDaemon> StartAsync(string name, int? port = null) =>
        TestDaemon.StartAsync(
            Path.Combine(_directory.Path, name),
            ("Storage:Provider", "postgres"),
            ("Storage:ConnectionString", PostgresServer.Shared.ConnectionString(_database, port)),
            ("Storage:Nodes:Name", name),
            ("Storage:Nodes:Beat", "00:00:00.200"),
            ("Storage:Nodes:TimeToLive", "00:05:00"),
            ("MasterKey", new string('5', 64))
        );

    private static Task UntilAsync(TestDaemon daemon, string series, Func<double, bool> pleases) =>
        new RehearsedScrapes().TakeAsync(daemon.Http, series, pleases);

    /// <summary>Scrapes when every lane is sent for.</summary>
    private async Task HealthyAsync(TestDaemon daemon)
    {
        await UntilAsync(daemon, "mailproxy_node_configuration_behind", static behind => behind == 0);
        await SeesAsync(daemon, "mailproxy_lanes_without_node", static count => count == 0);
    }

    private Task SeesAsync(TestDaemon daemon, string series, Func<double, bool> pleases) =>
        _scrapes.TakeAsync(daemon.Http, series, pleases);
}
