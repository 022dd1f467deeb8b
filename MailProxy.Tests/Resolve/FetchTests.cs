using System.Security.Cryptography;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;
using static MailProxy.Tests.Resolve.FetchRig;

namespace MailProxy.Tests.Resolve;

internal sealed class FetchTests
{
    [Test]
    public async Task Content_OfManyBlocks_IsWrittenAndHashedWhole()
    {
        var content = RandomNumberGenerator.GetBytes(ContentHasher.Block * 3 + 17);
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) => Task.FromResult(ScriptedSource.Of(content, content.Length));
        rig.Fetch(1, Url(sha256: SHA256.HashData(content), md5: MD5.HashData(content), size: content.Length));
        await rig.ReturnedAsync(1);

        var path = rig.Take(1, Url())![0].Path;
        Assert.That(await File.ReadAllBytesAsync(path), Is.EqualTo(content));
        Assert.That(
            path,
            Does.EndWith($"default/{Convert.ToHexStringLower(SHA256.HashData(content))}-{Convert.ToHexStringLower(MD5.HashData(content))}")
        );
    }

    [Test]
    public async Task Content_Empty_IsContent()
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) => Task.FromResult(ScriptedSource.Of("", 0));
        rig.Fetch(1, Url());
        await rig.ReturnedAsync(1);

        Assert.That(rig.Take(1, Url())![0].Size, Is.Zero);
    }

    [Test]
    public async Task Source_Silent_IsGivenUpAfterTheSecondTry()
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = ScriptedSource.Silent;
        rig.Fetch(1, Url());

        await rig.Source.AskedAsync();
        rig.Clock.Advance(rig.Options.FirstByteTimeout);
        await rig.Source.AskedAsync();
        rig.Clock.Advance(rig.Options.FirstByteTimeout);

        Assert.That(
            (await rig.FailedAsync()).Trouble,
            Is.EqualTo(new FetchTrouble("http://files.example/a: no answer within 30 s.", null, true))
        );
        Assert.That(rig.Files(), Is.Empty);
    }

    [Test]
    public async Task Source_Stalls_IsGivenUpWithoutASecondTry()
    {
        await using var rig = new FetchRig(new() { StallTimeout = TimeSpan.FromSeconds(7) });
        var stalled = new TaskCompletionSource();
        rig.Source.Answer = (_, _) => Task.FromResult(new OpenedSource(new StallingStream(stalled), null));
        rig.Fetch(1, Url());
        await stalled.Task.WaitAsync(TimeSpan.FromSeconds(30));

        rig.Clock.Advance(TimeSpan.FromSeconds(7));

        Assert.That(
            (await rig.FailedAsync()).Trouble,
            Is.EqualTo(new FetchTrouble("http://files.example/a: nothing came for 7 s.", null, true))
        );
        Assert.That((rig.Source.Opened, rig.Files().Length), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task Source_Drips_IsDown()
    {
        await using var rig = new FetchRig();
        var reads = 0;
        rig.Source.Answer = (_, _) =>
            Task.FromResult(
                new OpenedSource(
                    new DrippingStream(() =>
                    {
                        reads++;
                        rig.Clock.Advance(TimeSpan.FromSeconds(2));
                    }),
                    1_000_000
                )
            );
        rig.Fetch(1, Url());

        var (_, trouble) = await rig.FailedAsync();

        Assert.That(trouble, Is.EqualTo(new FetchTrouble("http://files.example/a: it sends less than 1024 bytes a second.", null, true)));
        Assert.That((reads, rig.Source.Opened, rig.Files().Length), Is.EqualTo((15, 1, 0)), "half a minute of it");
    }

    [TestCase(1025L)]
    [TestCase(null)]
    public async Task Content_OverTheCap_IsRefused(long? declared)
    {
        await using var rig = new FetchRig(new() { MaxAttachmentBytes = 1024 });
        rig.Source.Answer = (_, _) => Task.FromResult(ScriptedSource.Of(new byte[1025], declared));
        rig.Fetch(1, Url());

        var (_, trouble) = await rig.FailedAsync();

        Assert.That(trouble.Status, Is.EqualTo("5.3.4"));
        Assert.That((rig.Source.Opened, rig.Files().Length), Is.EqualTo((1, 0)));
    }

    [Test]
    public async Task Content_ShorterThanDeclared_IsNotContent()
    {
        await using var rig = new FetchRig();
        rig.Source.Answer = (_, _) => Task.FromResult(ScriptedSource.Of("abc", 4));
        rig.Fetch(1, Url());

        Assert.That((await rig.FailedAsync()).Trouble.Message, Does.Contain("3 of 4 bytes"));
        Assert.That(rig.Files(), Is.Empty);
    }

    [Test]
    public async Task Length_NotAsEverybodyClaims_IsRefusedBeforeItIsRead()
    {
        await using var rig = new FetchRig();
        var stalled = new TaskCompletionSource();
        rig.Source.Answer = (_, _) => Task.FromResult(new OpenedSource(new StallingStream(stalled), 5));
        rig.Fetch(1, Url(size: 4));

        Assert.That((await rig.FailedAsync()).Trouble.Status, Is.EqualTo("5.6.0"));
        Assert.That(stalled.Task.IsCompleted, Is.False);
    }

    [Test]
    public async Task Disk_Unwritable_IsTroubleOfOurOwn()
    {
        await using var rig = new FetchRig();
        Directory.Delete(rig.Directory);
        rig.Fetch(1, Url());

        var (_, trouble) = await rig.FailedAsync();

        Assert.That((trouble.Status, trouble.BySource), Is.EqualTo(((string?)null, false)));
        Directory.CreateDirectory(rig.Directory);
    }
}
