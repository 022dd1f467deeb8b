using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Nodes;
using MailProxy.Pipeline.Storage.Postgres;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using NUnit.Framework;
using Prometheus;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>Servers and databases that cannot hold a store are refused in one line that says what to do.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class PgRefusalTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly List<string> _roles = [];
    private string _database = PostgresServer.Shared.MakeDatabase(isEmpty: true);

    public void Dispose()
    {
        PostgresServer.Shared.DropDatabase(_database);
        foreach (var role in _roles)
            PostgresServer.Shared.Execute($"DROP ROLE \"{role}\"");
        _directory.Dispose();
    }

    private string Role(string name)
    {
        var role = $"{name} {_database}";
        PostgresServer.Shared.Execute($"CREATE ROLE \"{role}\" LOGIN");
        _roles.Add(role);
        return role;
    }

    private void Run(string sql) => PostgresServer.Shared.Execute(_database, sql);

    private void Open(string? role = null, string? connectionString = null)
    {
        var wanted = new NpgsqlConnectionStringBuilder(PostgresServer.Shared.ConnectionString(_database));
        if (role is not null)
            wanted.Username = role;
        var options = new PgDatabaseOptions(connectionString ?? wanted.ConnectionString, _directory.Path, "1")
        {
            Nodes = NodeOptions.Of("n"),
        };
        var metrics = new PipelineMetrics(Metrics.NewCustomRegistry());
        PgDatabase.Open(options, new(), metrics, TimeProvider.System, NullLogger.Instance).Dispose();
    }

    private void IsRefused(Action open, params string[] says)
    {
        var message = Assert.Throws<StoreRefusedException>(open)!.Message;
        foreach (var part in says)
            Assert.That(message, Does.Contain(part).And.Not.Contain("\n"));
    }

    [TestCase("LATIN1")]
    [TestCase("SQL_ASCII")]
    public void Open_DatabaseOfAnotherEncoding_IsRefused(string encoding)
    {
        PostgresServer.Shared.DropDatabase(_database);
        PostgresServer.Shared.Execute($"CREATE DATABASE {_database} TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'");
        IsRefused(() => Open(), encoding, "ENCODING 'UTF8'");
    }

    [Test]
    public void Open_RoleThatOwnsTheSchemaOnly_HasRightsEnough()
    {
        var role = Role("Mail-Proxy x");
        Run($"CREATE SCHEMA mailproxy AUTHORIZATION \"{role}\"");
        Open(role);
        Open(role);
    }

    [Test]
    public void Open_RoleWithoutRights_IsToldAStatementThatHelps()
    {
        var role = Role("bare");
        var message = Assert.Throws<StoreRefusedException>(() => Open(role))!.Message;
        Run(message[message.IndexOf("CREATE SCHEMA", StringComparison.Ordinal)..]);
        Open(role);
    }

    [Test]
    public void Open_SchemaOfAnotherRole_IsRefused()
    {
        Run("CREATE SCHEMA mailproxy");
        IsRefused(() => Open(Role("other")), "OWNER TO");
    }

    [TestCase("CREATE TABLE mailproxy.messages (a int)")]
    [TestCase("CREATE VIEW mailproxy.messages AS SELECT 1 AS a")]
    [TestCase("CREATE TABLE mailproxy.schema_version (id int)")]
    [TestCase(
        "CREATE TABLE mailproxy.schema_version (version text, min_program text); INSERT INTO mailproxy.schema_version VALUES ('1', '1')"
    )]
    public void Open_SchemaOfAnotherProgram_IsRefused(string sql)
    {
        Run($"CREATE SCHEMA mailproxy; {sql}");
        IsRefused(() => Open(), "another program");
    }

    [TestCase("0")]
    [TestCase("-1")]
    public void Open_SchemaThatSaysNoVersion_IsRefused(string version)
    {
        Open();
        Run($"UPDATE mailproxy.schema_version SET version = {version}");
        IsRefused(() => Open(), "schema_version");
    }

    [Test]
    public void Open_VersionBeyondWhatCanBeCounted_IsRefusedAsNewer()
    {
        Open();
        Run("UPDATE mailproxy.schema_version SET version = 99999999999, min_program = 99999999999");
        IsRefused(() => Open(), "99999999999", "newer");
    }

    [Test]
    public void Open_DatabaseThatTakesNoWrites_IsRefused()
    {
        Open();
        PostgresServer.Shared.Execute($"ALTER DATABASE {_database} SET default_transaction_read_only = on");
        IsRefused(() => Open(), "read-only");
    }

    [Test]
    public void Open_ConnectionStringWithoutHost_IsRefused() =>
        IsRefused(() => Open(null, "Database=x"), "Host", "Storage:ConnectionString");

    [Test]
    public void Open_DatabaseThatIsNotThere_IsRefusedWithTheStatementThatMakesIt() =>
        IsRefused(() => Open(null, PostgresServer.Shared.ConnectionString("nowhere")), "CREATE DATABASE", "Storage:ConnectionString");

    [TestCase("statement_timeout", "1min")]
    [TestCase("idle_session_timeout", "100ms")]
    public void Open_SettingsOfTheRole_AreOverruled(string name, string value)
    {
        PostgresServer.Shared.Execute($"ALTER DATABASE {_database} SET {name} = '{value}'");
        Open();
    }
}
