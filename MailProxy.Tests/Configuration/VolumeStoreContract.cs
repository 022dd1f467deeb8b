using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Tests.Storage;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>What every volume store does.</summary>
[TestOf(typeof(IConfigurationStore))]
[TestFixture(typeof(SqliteBench))]
[TestFixture(typeof(PostgresBench))]
internal sealed class VolumeStoreContract<TBench> : MessageStoreContract<TBench>
    where TBench : StoreBench, new()
{
    private const string Secret = "hunter2-and-more";

    private static readonly VolumeConfig.S3 Bucket = new(
        "files",
        "mail",
        "eu-central-1",
        new("https://s3.example:9000/base"),
        true,
        "AK",
        Secret,
        false
    );

    private static readonly VolumeConfig[] Configs =
    [
        new VolumeConfig.Local("/srv/Bücher"),
        Bucket,
        new VolumeConfig.S3("files", null, "eu-central-1", null, false, null, null, true),
        new VolumeConfig.Http(new("https://dav.example/a%20b/"), null),
        new VolumeConfig.Http(new("https://dav.example/"), new SourceAuth.Basic("ann", Secret)),
        new VolumeConfig.Http(new("https://dav.example/"), new SourceAuth.Bearer(Secret)),
        new VolumeConfig.Http(new("https://dav.example/"), new SourceAuth.Header("X-Key", Secret)),
    ];

    private new IConfigurationStore Store => Bench.Configuration;

    private void Reopen() => Bench.Crash();

    [TestCaseSource(nameof(Configs))]
    public async Task Put_EveryConfiguration_ComesBackWhole(VolumeConfig config)
    {
        var volume = new Volume
        {
            Tenant = "acme",
            Id = "files",
            Shared = true,
            AdminSet = true,
            Config = config,
        };
        Assert.That(await Store.PutVolumeAsync(volume, "ann"), Is.True);
        Reopen();
        Assert.That((await Store.VolumesAsync()).Single(), Is.EqualTo(volume));
    }

    [Test]
    public async Task Put_Known_ReplacesSecretAndFlags()
    {
        await Store.PutVolumeAsync(Volume() with { Shared = true, AdminSet = true }, "ann");
        var after = Volume() with { Config = Bucket with { SecretKey = null, AccessKey = null } };
        Assert.That(await Store.PutVolumeAsync(after, "ann"), Is.False);
        Assert.That((await Store.VolumesAsync()).Single(), Is.EqualTo(after));
    }

    [Test]
    public async Task Put_SameIdInTwoTenants_AreTwoVolumes()
    {
        await Store.PutVolumeAsync(Volume(), "ann");
        Assert.That(await Store.PutVolumeAsync(Volume("other"), "ann"), Is.True);
        Assert.That((await Store.VolumesAsync()).Select(v => v.Tenant), Is.EqualTo(["default", "other"]));
    }

    [Test]
    public async Task Delete_KnownAndUnknown_DeletedAndNotFound()
    {
        await Store.PutVolumeAsync(Volume(), "ann");
        Assert.That(await Store.DeleteVolumeAsync("other", "files", "ann"), Is.EqualTo(DeleteResult.NotFound));
        Assert.That(await Store.DeleteVolumeAsync("default", "files", "ann"), Is.EqualTo(DeleteResult.Deleted));
        Assert.That(await Store.VolumesAsync(), Is.Empty);
    }

    [Test]
    public async Task Audit_EveryChange_TellsWhoAndWhatWithoutSecrets()
    {
        await Store.PutVolumeAsync(Volume(), "ann");
        await Store.PutVolumeAsync(Volume() with { Config = Bucket with { SecretKey = "swordfish" } }, "bob");
        await Store.DeleteVolumeAsync("default", "files", "bob");
        await Store.DeleteVolumeAsync("default", "files", "bob"); // changes nothing

        var audit = Bench.Audit();
        Assert.Multiple(() =>
        {
            Assert.That(
                audit.Select(a => (a.Actor, a.Action, a.Subject)),
                Is.EqualTo([
                    ("ann", "volume.create", "volume/default/files"),
                    ("bob", "volume.replace", "volume/default/files"),
                    ("bob", "volume.delete", "volume/default/files"),
                ])
            );
            Assert.That(string.Concat(audit.Select(a => a.Before + a.After)), Does.Not.Contain("hunter2").And.Not.Contain("swordfish"));
            Assert.That(audit[0].After, Does.Contain("s3.example").And.Contain("\"secret_set\":true"));
            Assert.That(audit[1].After, Does.Contain("\"secret_changed\":true"));
            Assert.That(audit[2].After, Is.Null);
        });
    }

    private static Volume Volume(string tenant = "default") =>
        new()
        {
            Tenant = tenant,
            Id = "files",
            Config = Bucket,
        };
}
