using MailProxy.Daemon.Cli.Doctor;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>What the doctor says of a PostgreSQL server.</summary>
[TestFixture]
internal sealed class PostgresChecksTests
{
    private const string Any = "ANY 1 (*)";

    private static PgSafety Server(string synchronous = "", params string?[] replicas) =>
        new("15.18", IsReplica: false, Fsync: true, FullPageWrites: true, synchronous, replicas);

    private static Finding Of(PgSafety server, string check) => PostgresChecks.Judge(server).Single(one => one.Check == check);

    [TestCase("", "", "Ok", "none streams.")]
    [TestCase(
        "",
        "async",
        "Warning",
        "1 replica streams, none synchronous: a failover to one loses acknowledged mail, and sends some again."
    )]
    [TestCase("", "async|async", "Warning", "2 replicas stream, none synchronous: ")]
    [TestCase("", "?", "Warning", "1 replica streams, none synchronous: ")]
    [TestCase(Any, "quorum|quorum", "Ok", "2 replicas stream, 2 synchronous; ")]
    [TestCase("db2", "sync|async", "Ok", "2 replicas stream, 1 synchronous; ")]
    [TestCase("FIRST 1 (db2, db3)", "sync|potential", "Ok", "2 replicas stream, 2 synchronous; ")]
    [TestCase(Any, "?|?", "Ok", "2 replicas stream; synchronous_standby_names is 'ANY 1 (*)'.")]
    [TestCase("db9", "async", "Problem", "synchronous_standby_names is 'db9', and no such replica streams: every commit waits for one.")]
    [TestCase(Any, "", "Problem", "synchronous_standby_names is 'ANY 1 (*)', and no such replica streams: ")]
    public void Replicas(string synchronous, string states, string health, string says)
    {
        var replicas = states.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(static state => state == "?" ? null : state);
        var finding = Of(Server(synchronous, [.. replicas]), "replicas");
        Assert.That(finding.Health.ToString(), Is.EqualTo(health));
        Assert.That(finding.Says, Does.StartWith(says));
        Assert.That(finding.Steps.Any(), Is.EqualTo(finding.Health != Health.Ok));
        if (finding.Health != Health.Ok)
            Assert.That(finding.Steps[0], Does.Contain($"synchronous_standby_names = '{Any}'"));
    }

    [TestCase(false, true, "fsync is off: ")]
    [TestCase(true, false, "full_page_writes is off: ")]
    public void Setting_Off_IsAWarning(bool fsync, bool pages, string says)
    {
        var finding = Of(Server() with { Fsync = fsync, FullPageWrites = pages }, "durability");
        Assert.That((finding.Health, finding.Says), Is.EqualTo((Health.Warning, finding.Says)));
        Assert.That(finding.Says, Does.StartWith(says));
    }

    [Test]
    public void Settings_On_AreRight() => Assert.That(Of(Server(), "durability").Health, Is.EqualTo(Health.Ok));

    [Test]
    public void Replica_AsTheServer_IsTheOnlyProblem()
    {
        var findings = PostgresChecks.Judge(Server() with { IsReplica = true }).ToList();
        Assert.That(findings.Select(static one => one.Health), Is.EqualTo(new[] { Health.Problem }));
        Assert.That(findings[0].Steps[0], Does.Contain("Target Session Attributes=primary"));
    }

    [Test]
    public async Task Read_RealReplica_IsSeenWithAndWithoutTheRightToSeeItsState()
    {
        using var primary = PostgresServer.StartOwn();
        using var replica = primary.StartReplica();
        primary.Execute("CREATE ROLE plain LOGIN");
        primary.Execute("ALTER DATABASE postgres SET synchronous_commit = off");
        var place = primary.ConnectionString("postgres");
        var plain = place.Replace("Username=postgres", "Username=plain", StringComparison.Ordinal);

        var seen = await BecomesAsync(place, static server => server.Replicas.Count == 1);
        Assert.That(seen.Replicas, Is.EqualTo(new[] { "async" }));
        Assert.That((seen.IsReplica, seen.Fsync, seen.FullPageWrites, seen.Synchronous), Is.EqualTo((false, false, false, "")));
        Assert.That(PgSafety.Read(plain).Replicas, Is.EqualTo(new string?[] { null }));
        Assert.That(PgSafety.Read(replica.ConnectionString("postgres")).IsReplica);
        Assert.That(CommitOf(place), Is.EqualTo("on"), "whatever the database says");

        primary.Execute($"ALTER SYSTEM SET synchronous_standby_names = '{Any}'");
        primary.Execute("SELECT pg_reload_conf()");
        seen = await BecomesAsync(place, static server => server.Replicas is ["quorum"]);
        Assert.That(Of(seen, "replicas").Health, Is.EqualTo(Health.Ok));
        Assert.That(Of(PgSafety.Read(plain), "replicas").Health, Is.EqualTo(Health.Ok));
    }

    private static Task<PgSafety> BecomesAsync(string place, Func<PgSafety, bool> pleases) =>
        Eventually.BecomesAsync(() => Task.FromResult(PgSafety.Read(place)), pleases);

    private static string? CommitOf(string place)
    {
        using var source = PgServer.Source(place);
        using var connection = PgServer.OpenFirst(source);
        using var command = connection.CreateCommand();
        command.CommandText = "SHOW synchronous_commit";
        return (string?)command.ExecuteScalar();
    }
}
