using System.Text;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>Local volumes and absolute paths, in real directories.</summary>
internal sealed class LocalSourceTests : LocalSourceFixture
{
    [Test]
    public async Task Open_File_ComesWithItsLength()
    {
        await using var opened = await _bench.OpenAsync("docs:sub/a b%.pdf");

        Assert.That(opened.Length, Is.EqualTo(6));
        Assert.That(Encoding.ASCII.GetString(await SourceBench.AllAsync(opened)), Is.EqualTo("inside"));
    }

    [Test]
    public async Task Open_AbsolutePathBelowAnAllowedRoot_Comes() =>
        Assert.That(await _bench.ReadAsync($"{Root}/sub/a b%.pdf"), Is.EqualTo("inside"u8.ToArray()));

    [Test]
    public async Task Open_LinkThatStaysInside_IsFollowed()
    {
        Link("up", "sub/../sub/a b%.pdf");
        Link("folder", Path.Combine(Root, "sub"));

        Assert.That(await _bench.ReadAsync("docs:up"), Is.EqualTo("inside"u8.ToArray()));
        Assert.That(await _bench.ReadAsync("docs:folder/a b%.pdf"), Is.EqualTo("inside"u8.ToArray()));
    }

    [Test]
    public async Task Open_RootThatIsALink_IsItsTarget()
    {
        File.CreateSymbolicLink(Path.Combine(_directory, "alias"), Root);
        _bench.Set("docs", new VolumeConfig.Local(Path.Combine(_directory, "alias")));

        Assert.That(await _bench.ReadAsync("docs:sub/a b%.pdf"), Is.EqualTo("inside"u8.ToArray()));
    }

    [Test]
    public async Task Open_NameLongerThanDisksTake_IsGone() =>
        Assert.That((await _bench.TryAsync("docs:" + new string('x', 256)))?.Fault, Is.EqualTo(SourceFault.Gone));

    [Test]
    public async Task Open_TooLarge_IsRefused()
    {
        File.WriteAllBytes(Path.Combine(Root, "large"), new byte[100_001]);

        Assert.That((await _bench.TryAsync("docs:large"))?.Status, Is.EqualTo("5.3.4"));
    }

    [Test]
    public async Task Read_FileThatShrinksMeanwhile_IsDown()
    {
        var path = Path.Combine(Root, "shrinking");
        File.WriteAllBytes(path, new byte[50_000]);
        await using var opened = await _bench.OpenAsync("docs:shrinking");
        File.WriteAllBytes(path, new byte[10]);

        Assert.That(Assert.ThrowsAsync<SourceException>(() => SourceBench.AllAsync(opened))!.Fault, Is.EqualTo(SourceFault.Down));
    }

    [Test]
    public async Task Open_RootThatIsNotThere_IsDown()
    {
        _bench.Set("docs", new VolumeConfig.Local(Path.Combine(_directory, "unmounted")));

        Assert.That((await _bench.TryAsync("docs:a"))?.Fault, Is.EqualTo(SourceFault.Down));
    }

    [Test]
    public async Task Open_FileSystemThatHangs_HoldsAFewThreadsAndNoOtherRoot()
    {
        using var answers = new ManualResetEventSlim();
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var files = new LocalSource(
            _bench.Options,
            clock,
            open: (root, path, place) =>
            {
                if (root == "/hung")
                    answers.Wait();
                return RootedFile.Open(Root, path, place);
            }
        );

        for (var n = 0; n < 4; n++)
        {
            var open = files.OpenAsync("/hung", "sub/a b%.pdf", "hung", default);
            clock.Advance(_bench.Options.FirstByteTimeout);
            Assert.That(
                Assert.ThrowsAsync<SourceException>(() => open.WaitAsync(SourceBench.Deadline))!.Fault,
                Is.EqualTo(SourceFault.Down)
            );
        }

        Assert.That(
            Assert.ThrowsAsync<SourceException>(() => files.OpenAsync("/hung", "sub/a b%.pdf", "hung", default))!.Message,
            Does.Contain("does not answer")
        );
        await using (var other = await files.OpenAsync("/other", "sub/a b%.pdf", "other", default))
            Assert.That(other.Length, Is.EqualTo(6));
        answers.Set();
    }

    [Test]
    public async Task Open_VolumeThatIsNotThere_IsGone() =>
        Assert.That((await _bench.TryAsync("gone:a"))?.Fault, Is.EqualTo(SourceFault.Gone));

    [Test]
    public async Task Open_LocalVolumeSetByATenant_IsRefused()
    {
        _bench.Set("docs", new VolumeConfig.Local(Root), adminSet: false);

        Assert.That((await _bench.TryAsync("docs:sub/a b%.pdf"))?.Fault, Is.EqualTo(SourceFault.Refused));
    }
}
