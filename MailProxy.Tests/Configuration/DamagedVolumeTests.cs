using MailProxy.Pipeline.Configuration;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Configuration;

/// <summary>A volume whose stored row cannot be read holds up its mail: it fails none, and no other volume takes its place.</summary>
public sealed class DamagedVolumeTests
{
    private static readonly Volume Shared = new()
    {
        Tenant = "default",
        Id = "files",
        Shared = true,
        Config = new VolumeConfig.Local("/srv"),
    };

    private static VolumeDirectory Directory(params Resource<Volume>[] all) => VolumeDirectory.Of(new Snapshot<Volume>(all));

    private static Resource<Volume> Damaged(string tenant) => new(tenant, "files", 1, null) { Damage = "It is damaged." };

    private static Resource<Volume> Whole() => new("default", "files", 1, Shared);

    [Test]
    public void Find_OwnIsDamaged_IsNotTheSharedOneOfThatName()
    {
        var directory = Directory(Damaged("acme"), Whole());
        Assert.That(directory.Find("acme", "files"), Is.Null);
        Assert.That((directory.IsDamaged("acme", "files"), directory.MeansDamaged("acme", "files")), Is.EqualTo((true, true)));
        Assert.That((directory.Find("other", "files"), directory.MeansDamaged("other", "files")), Is.EqualTo((Shared, false)));
    }

    [Test]
    public void MeansDamaged_PerhapsSharedByAnother_IsTrueForEverybody()
    {
        var directory = Directory(Damaged("default"));
        Assert.That((directory.IsDamaged("acme", "files"), directory.MeansDamaged("acme", "files")), Is.EqualTo((false, true)));
        Assert.That(directory.MeansDamaged("acme", "else"), Is.False);
    }

    [TestCase("acme:a.pdf", false)]
    [TestCase("other:a.pdf", true)]
    public async Task Open_FileOfADamagedVolume_WaitsAndOfNoneFails(string source, bool fails)
    {
        using var bench = new SourceBench();
        bench.Volumes.Swap(VolumeDirectory.Of(new Snapshot<Volume>([new("default", "acme", 1, null) { Damage = "It is damaged." }])));
        var expected = fails ? SourceFault.Gone : SourceFault.Down;
        Assert.That((await bench.TryAsync(source))?.Fault, Is.EqualTo(expected));
    }

    [Test]
    public void Fault_MailThatNamesADamagedVolume_IsTakenAndOneThatNamesNoneIsNot()
    {
        var current = new CurrentVolumes();
        current.Swap(Directory(Damaged("acme")));
        var known = new KnownSources(current, static _ => false, [], long.MaxValue);
        Assert.That(known.Fault("acme", new AttachmentPlace.InVolume("files", "a.pdf")), Is.Null);
        Assert.That(known.Fault("acme", new AttachmentPlace.InVolume("else", "a.pdf"))?.Code, Is.EqualTo("unknown_volume"));
    }
}
