using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sqlite;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteVolumeStoreTests : VolumeStoreContract
{
    private TemporaryStore _store = null!;

    protected override IVolumeStore Store => new SqliteVolumeStore(_store.Database, _store.Box, TimeProvider.System);

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
    public async Task Volumes_SealedSecretsSwapped_IsRefused()
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
        Assert.That(Store.VolumesAsync, Throws.TypeOf<StoreRefusedException>());
    }

    protected override void Reopen() => _store.Close();

    protected override IReadOnlyList<(string Actor, string Action, string Object, string? Before, string? After)> Audit() =>
        _store.Query(
            "SELECT actor, action, object, before, after FROM audit ORDER BY number",
            row => (row.GetString(0), row.GetString(1), row.GetString(2), row.TextOrNull(3), row.TextOrNull(4))
        );
}
