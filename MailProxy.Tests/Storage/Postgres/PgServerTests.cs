using MailProxy.Pipeline.Storage.Postgres;
using Npgsql;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>How connections are made from what people write.</summary>
internal sealed class PgServerTests
{
    [TestCase("Host=a,b;Target Session Attributes=primary", ExpectedResult = 0)]
    [TestCase("Host=a,b;Host Recheck Seconds=7", ExpectedResult = 7)]
    public int Source_SeveralHosts_AsksEachTimeUnlessTold(string text)
    {
        using var source = PgServer.Source(text);
        return new NpgsqlConnectionStringBuilder(source.ConnectionString).HostRecheckSeconds;
    }
}
