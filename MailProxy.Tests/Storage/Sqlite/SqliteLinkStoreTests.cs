using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Storage;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

internal sealed class SqliteLinkStoreTests : LinkStoreContract
{
    private TemporaryStore _store = null!;
    private ILinkStore _links = null!;

    protected override ILinkStore Store => _links;

    [SetUp]
    public async Task OpenAsync()
    {
        _store = new();
        _links = await SqlLinkStore.OpenAsync(_store.Database, _store.Box);
    }

    [TearDown]
    public void Remove() => _store.Dispose();

    [Test]
    public async Task Open_NewMasterKeyFirst_TheSigningKeyMovesToItAndStaysTheSame()
    {
        var fresh = MasterKey.Generate();
        var both = await SqlLinkStore.OpenAsync(_store.Database, new([fresh, _store.Key]));
        var alone = await SqlLinkStore.OpenAsync(_store.Database, new([fresh]));
        Assert.That(both.SigningKey.ToArray(), Is.EqualTo(Store.SigningKey.ToArray()));
        Assert.That(alone.SigningKey.ToArray(), Is.EqualTo(Store.SigningKey.ToArray()));
    }

    [Test]
    public async Task DeleteVolume_LinksIntoItStillWork_IsInUse()
    {
        var volumes = new SqlConfigurationStore(_store.Database, _store.Box, TimeProvider.System);
        await volumes.PutVolumeAsync(
            new()
            {
                Tenant = "default",
                Id = "files",
                Config = new VolumeConfig.Local("/srv"),
            },
            "ann"
        );
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var kept = await Store.ReserveAsync(new("acme", "default", "files", "local /srv", [1], 1), "links/a", now + 60_000, now);
        await Store.UploadedAsync(kept.Number);
        await Store.AddAsync(new(1, 1, 0, kept.Number, "a", "b/c", now + 60_000), _ => "", now);
        Assert.That(await volumes.DeleteVolumeAsync("default", "files", "ann"), Is.EqualTo(DeleteResult.InUse));
        await Store.RemovedAsync(kept.Number);
        Assert.That(await volumes.DeleteVolumeAsync("default", "files", "ann"), Is.EqualTo(DeleteResult.Deleted));
    }

    protected override async Task ReopenAsync()
    {
        _store.Close();
        _links = await SqlLinkStore.OpenAsync(_store.Database, _store.Box);
    }
}
