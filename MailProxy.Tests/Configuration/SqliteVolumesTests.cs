using System.Text;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Storage.Sqlite;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

internal sealed class SqliteVolumesTests
{
    private TemporaryStore _store = null!;

    private IConfigurationStore Store => new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System);

    [SetUp]
    public void Open() => _store = new();

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Put_Secret_IsNowhereInTheFiles()
    {
        await Store.PutVolumeAsync(
            new()
            {
                Tenant = "default",
                Id = "files",
                Config = new VolumeConfig.Http(new("https://x/"), new SourceAuth.Bearer("correct-horse-battery")),
            },
            "ann"
        );
        _store.Close();
        foreach (var file in Directory.GetFiles(_store.Path))
            Assert.That(Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file)), Does.Not.Contain("correct-horse"), file);
    }

    [Test]
    public async Task Read_SealedSecretOfAnotherRow_SpoilsThatVolumeOnly()
    {
        foreach (var id in (string[])["one", "two"])
            await Store.PutVolumeAsync(
                new()
                {
                    Tenant = "default",
                    Id = id,
                    Config = new VolumeConfig.Http(new("https://x/"), new SourceAuth.Bearer(id)),
                },
                "ann"
            );
        await _store.RunAsync("UPDATE volumes SET secret = (SELECT secret FROM volumes o WHERE o.id = 'one') WHERE id = 'two'");
        var read = (await Store.ReadAsync(VolumeFields.Noun)).ToDictionary(volume => volume.Id);
        Assert.That(read["one"].Value!.Config, Is.EqualTo(new VolumeConfig.Http(new("https://x/"), new SourceAuth.Bearer("one"))));
        Assert.That(read["two"].Value, Is.Null);
        Assert.That(read["two"].Damage, Does.Contain("volume/default/two/secret"));
    }

    [TestCase("""{"backend":"local","root":"/srv"}""", typeof(VolumeConfig.Local))]
    [TestCase("""{"backend":"s3","bucket":"b","region":"r"}""", typeof(VolumeConfig.S3))]
    [TestCase("""{"backend":"http","base_url":"https://x/","auth":"basic","user":"u"}""", typeof(VolumeConfig.Http))]
    public async Task Read_RowOfAnEarlierVersion_IsWhole(string config, Type kind)
    {
        await InsertAsync("old", config);
        Assert.That((await Store.VolumesAsync()).Single().Config, Is.TypeOf(kind));
    }

    [TestCase("""{"backend":"tape"}""")]
    [TestCase("""{"backend":"local","root":1}""")]
    [TestCase("""{"backend":"http","base_url":"https://x/","auth":"kerberos"}""")]
    [TestCase("no JSON")]
    public async Task Load_RowThatCannotBeRead_SpoilsItselfOnlyAndIsToldOnce(string config)
    {
        await InsertAsync("bad", config);
        await InsertAsync("good", """{"backend":"local","root":"/srv"}""");
        var log = new LogRecorder();
        using var turn = new ConfigurationTurn();
        var seen = Snapshot<Volume>.Empty;
        var writer = new ConfigurationWriter<Volume>(VolumeFields.Noun, Store, turn, all => seen = all, log);
        await writer.LoadAsync();
        await writer.LoadAsync();
        Assert.That(seen.Values.Select(volume => volume.Id), Is.EqualTo(["good"]));
        Assert.That(log.Lines.Count(line => line.Text.Contains("default/bad", StringComparison.Ordinal)), Is.EqualTo(1));
        Assert.That(
            await writer.DeleteAsync("default", "bad", static _ => true, static _ => true, "ann"),
            Is.EqualTo(DeleteResult.Deleted)
        );
    }

    private Task InsertAsync(string id, string config) =>
        _store.RunAsync(
            "INSERT INTO volumes (tenant, id, shared, admin_set, config, created_at, updated_at) "
                + "VALUES ('default', @id, 0, 1, @config, 1, 1)",
            ("@id", id),
            ("@config", config)
        );
}
