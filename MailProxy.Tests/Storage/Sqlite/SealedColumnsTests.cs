using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SealedColumnsTests
{
    [Test]
    public void Sealed_EveryBlobThatSaysSo_IsAmongThoseThatAreRenewed()
    {
        var said = Migrator.Embedded.Sum(static migration => migration.Sql.Split("sealed by SecretBox").Length - 1);
        Assert.That(said, Is.EqualTo(SealedColumns.Count));
    }
}
