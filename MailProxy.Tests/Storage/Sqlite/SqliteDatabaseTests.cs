using System.Diagnostics;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteDatabaseTests
{
    private DirectoryInfo _directory = null!;

    private string FilePath => Path.Combine(_directory.FullName, "mailproxy.db");

    [SetUp]
    public void MakeDirectory() => _directory = Directory.CreateTempSubdirectory("mailproxy-open-");

    [TearDown]
    public void DropDirectory() => _directory.Delete(recursive: true);

    [Test]
    public void Open_NewDirectory_MakesTheFileWithItsSettings()
    {
        using var database = Open();

        Assert.That(Pragma(database, "application_id"), Is.EqualTo(StoreFile.ApplicationId));
        Assert.That(Pragma(database, "user_version"), Is.EqualTo(Migrator.Latest));
        Assert.That(Pragma(database, "auto_vacuum"), Is.EqualTo(2), "incremental");
        Assert.That(Pragma(database, "page_size"), Is.EqualTo(StoreFile.PageSize));
    }

    [Test]
    public async Task Open_Writer_SyncsEachCommitToTheLog()
    {
        using var database = Open();

        var settings = await Task.WhenAll(
            ((string[])["synchronous", "foreign_keys", "wal_autocheckpoint"]).Select(name =>
                database.Writer.WriteAsync(c => Connections.Number(c.Bare(), "PRAGMA " + name))
            )
        );

        Assert.That(settings, Is.EqualTo(new[] { 2, 0, 0 }));
        Assert.That(await database.Writer.WriteAsync(c => Connections.Texts(c.Bare(), "PRAGMA journal_mode")), Is.EqualTo(new[] { "wal" }));
    }

    [Test]
    public void Open_WhileInUse_IsRefused()
    {
        using var first = Open();

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("in use by another process"));
    }

    [Test]
    public void Open_AfterClose_Works()
    {
        Open().Dispose();

        Assert.That(() => Open().Dispose(), Throws.Nothing);
    }

    [Test]
    public void Open_LockHeldByAnotherProcess_IsRefusedUntilItDies()
    {
        Open().Dispose();
        using var other = Process.Start(
            new ProcessStartInfo("flock", ["--no-fork", Path.Combine(_directory.FullName, "lock"), "sh", "-c", "echo locked; exec cat"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            }
        )!;
        Assert.That(other.StandardOutput.ReadLine(), Is.EqualTo("locked"));

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>());

        other.Kill();
        other.WaitForExit();
        Assert.That(() => Open().Dispose(), Throws.Nothing);
    }

    [Test]
    public void Open_NewerFile_IsRefusedUntouched()
    {
        Open().Dispose();
        Sql(FilePath, $"PRAGMA user_version={Migrator.Latest + 1}");

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("newer program"));
        Assert.That(
            () => Open(),
            Throws.InstanceOf<StoreRefusedException>(),
            "the lock was given back, and it is refused again for the same reason"
        );
    }

    [Test]
    public void Open_ForeignDatabase_IsRefusedUntouched()
    {
        Sql(FilePath, "CREATE TABLE theirs (a)");
        var before = File.ReadAllBytes(FilePath);

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("another program"));
        Assert.That(File.ReadAllBytes(FilePath), Is.EqualTo(before));
    }

    [Test]
    public void Open_OverwrittenFile_IsRefused()
    {
        File.WriteAllText(FilePath, new string('x', 5000));

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("damaged"));
    }

    [Test]
    public void Open_EmptyFile_IsRefused()
    {
        File.WriteAllBytes(FilePath, []);

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("damaged"));
    }

    [Test]
    public void Open_TruncatedFile_IsRefused([Values(1, 2, 5)] int pages)
    {
        Open().Dispose();
        using (var file = File.OpenWrite(FilePath))
            file.SetLength(pages * StoreFile.PageSize);

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("damaged"));
    }

    [Test]
    public void Open_OverwrittenSchema_IsRefused()
    {
        Open().Dispose();
        using (var file = File.OpenWrite(FilePath))
        {
            file.Position = 100;
            file.Write(new byte[StoreFile.PageSize - 100]);
        }

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("damaged"));
    }

    [Test]
    public void Open_LogWithoutItsDatabase_IsRefused()
    {
        File.WriteAllText(FilePath + "-wal", "frames");

        Assert.That(Open, Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("log"));
    }

    [Test]
    public void Open_OlderFile_IsBroughtForwardOnce()
    {
        Open(Migrator.Embedded).Dispose();
        var next = Migrator.Latest + 1;
        Migration[] newer = [.. Migrator.Embedded, new(next, "more", "CREATE TABLE more (a INTEGER) STRICT; INSERT INTO more VALUES (1)")];

        Open(newer).Dispose();
        using var database = Open(newer);

        Assert.That(Pragma(database, "user_version"), Is.EqualTo(next));
        Assert.That(database.Readers.Read(c => Connections.Number(c.Bare(), "SELECT count(*) FROM more")), Is.EqualTo(1));
    }

    [Test]
    public void Open_FailingMigration_LeavesTheFileAsItWas()
    {
        var next = Migrator.Latest + 1;
        Migration[] broken =
        [
            .. Migrator.Embedded,
            new(next, "broken", "CREATE TABLE more (a INTEGER) STRICT; INSERT INTO nowhere VALUES (1)"),
        ];

        Assert.That(() => Open(broken), Throws.InstanceOf<StoreRefusedException>().With.Message.Contains("broken"));

        using var database = Open();
        Assert.That(Pragma(database, "user_version"), Is.EqualTo(Migrator.Latest));
        Assert.That(
            database.Readers.Read(c => Connections.Texts(c.Bare(), "SELECT name FROM sqlite_schema WHERE name = 'more'")),
            Is.Empty
        );
    }

    private SqliteDatabase Open() => Open(Migrator.Embedded);

    private SqliteDatabase Open(IReadOnlyList<Migration> migrations) => TemporaryStore.OpenAt(_directory.FullName, migrations: migrations);

    private static long Pragma(SqliteDatabase database, string name) =>
        database.Readers.Read(c => Connections.Number(c.Bare(), "PRAGMA " + name));

    private static void Sql(string path, string sql)
    {
        using SqliteConnection connection = Connections.OpenPlain(path);
        Connections.Execute(connection, sql);
    }
}
