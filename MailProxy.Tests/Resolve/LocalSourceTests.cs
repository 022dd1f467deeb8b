using System.Runtime.InteropServices;
using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>Local volumes and absolute paths, in real directories.</summary>
public sealed class LocalSourceTests
{
    private TempDirectory _directory = null!;
    private SourceBench _bench = null!;

    private string Root => Path.Combine(_directory, "root");
    private string Outside => Path.Combine(_directory, "outside");

    [SetUp]
    public void LayOut()
    {
        _directory = new();
        foreach (var name in new[] { "root/sub/deep", "outside", "root-too" })
            Directory.CreateDirectory(Path.Combine(_directory, name));
        File.WriteAllText(Path.Combine(Root, "sub", "a b%.pdf"), "inside");
        File.WriteAllText(Path.Combine(Outside, "secret"), "outside");
        File.WriteAllText(Path.Combine(_directory, "root-too", "secret"), "outside");
        _bench = new(new() { AllowedRoots = [Root], MaxAttachmentBytes = 100_000 });
        _bench.Set("docs", new VolumeConfig.Local(Root));
    }

    [TearDown]
    public void CleanUp()
    {
        _bench.Dispose();
        _directory.Dispose();
    }

    private string Link(string name, string target)
    {
        File.CreateSymbolicLink(Path.Combine(Root, name), target);
        return name;
    }

    // Past the notation, which refuses most of them already.
    private async Task<SourceException?> TryRawAsync(AttachmentPlace place)
    {
        try
        {
            await using var opened = await _bench.Sources.OpenAsync("default", new(0, place), default).WaitAsync(SourceBench.Patience);
            return null;
        }
        catch (SourceException error)
        {
            return error;
        }
    }

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

    [TestCase("../outside/secret")]
    [TestCase("sub/../../outside/secret")]
    [TestCase("../root-too/secret")]
    [TestCase("./../outside/secret")]
    [TestCase("sub//..//../outside/secret")]
    [TestCase("../../../../../../../../etc/passwd")]
    [TestCase("..")]
    [TestCase(".")]
    [TestCase("sub")]
    [TestCase("sub/deep/..")]
    public async Task Open_PathThatLeavesOrIsADirectory_IsRefused(string path) =>
        Assert.That((await TryRawAsync(new AttachmentPlace.InVolume("docs", path)))?.Fault, Is.EqualTo(SourceFault.Refused));

    [TestCase("%2e%2e/outside/secret")]
    [TestCase("..%2foutside%2fsecret")]
    [TestCase("..\\outside\\secret")]
    [TestCase("\uff0e\uff0e/outside/secret")]
    [TestCase("..\u2215outside\u2215secret")]
    [TestCase("sub/a b%.pdf/")]
    [TestCase("sub/a b%.pdf/.")]
    [TestCase("no/such/file")]
    [TestCase("SUB/A B%.PDF")]
    public async Task Open_OtherSpellings_AreOnlyFilesThatAreNotThere(string path) =>
        Assert.That((await TryRawAsync(new AttachmentPlace.InVolume("docs", path)))?.Fault, Is.EqualTo(SourceFault.Gone));

    [Test]
    public async Task Open_NameLongerThanDisksTake_IsGone() =>
        Assert.That((await _bench.TryAsync("docs:" + new string('x', 256)))?.Fault, Is.EqualTo(SourceFault.Gone));

    [TestCase("../outside/secret")]
    [TestCase("/etc/passwd")]
    [TestCase("/proc/self/environ")]
    [TestCase("/dev/zero")]
    [TestCase("/dev/stdin")]
    public async Task Open_LinkThatLeadsOutside_IsRefused(string target) =>
        Assert.That((await _bench.TryAsync("docs:" + Link("link", target)))?.Fault, Is.EqualTo(SourceFault.Refused));

    [Test]
    public async Task Open_FolderLinkThatLeadsOutside_IsRefused()
    {
        Link("folder", Outside);

        Assert.That((await _bench.TryAsync("docs:folder/secret"))?.Fault, Is.EqualTo(SourceFault.Refused));
    }

    [Test]
    public async Task Open_LinksInACircle_IsRefused()
    {
        Link("one", "two");
        Link("two", "one");

        Assert.That((await _bench.TryAsync("docs:one"))?.Fault, Is.EqualTo(SourceFault.Refused));
    }

    [Test]
    public async Task Open_LinkToNothing_IsGone() =>
        Assert.That((await _bench.TryAsync("docs:" + Link("link", "nothing")))?.Fault, Is.EqualTo(SourceFault.Gone));

    [Test]
    public async Task Open_PipeWithoutAWriter_IsRefusedAndDoesNotHang()
    {
        Assert.That(MakePipe(Path.Combine(Root, "pipe"), 0x180), Is.Zero);

        Assert.That((await _bench.TryAsync("docs:pipe"))?.Message, Does.Contain("not a regular file"));
    }

    [Test]
    public async Task Open_SocketOrDeviceInside_IsRefused()
    {
        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix,
            System.Net.Sockets.SocketType.Stream,
            System.Net.Sockets.ProtocolType.Unspecified
        );
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(Root, "socket")));
        _bench.Set("devices", new VolumeConfig.Local("/dev"));

        Assert.Multiple(async () =>
        {
            Assert.That((await _bench.TryAsync("docs:socket"))?.Fault, Is.EqualTo(SourceFault.Refused));
            Assert.That((await _bench.TryAsync("devices:zero"))?.Message, Does.Contain("not a regular file"));
        });
    }

    [Test]
    public async Task Open_LinkSwappedAllTheTime_NeverGivesWhatIsOutside()
    {
        Link("turning", "sub/a b%.pdf");
        using var stop = new CancellationTokenSource();
        var swapping = Task.Run(() =>
        {
            var path = Path.Combine(Root, "turning");
            for (var n = 0; !stop.IsCancellationRequested; n++)
            {
                File.CreateSymbolicLink(path + ".new", n % 2 == 0 ? "../outside/secret" : "sub/a b%.pdf");
                File.Move(path + ".new", path, overwrite: true);
            }
        });

        var (given, refused) = (0, 0);
        for (var n = 0; n < 2_000 || (n < 200_000 && (given == 0 || refused == 0)); n++)
        {
            try
            {
                Assert.That(await _bench.ReadAsync("docs:turning"), Is.EqualTo("inside"u8.ToArray()));
                given++;
            }
            catch (SourceException error)
            {
                Assert.That(error.Fault, Is.EqualTo(SourceFault.Refused));
                refused++;
            }
        }

        await stop.CancelAsync();
        await swapping.WaitAsync(SourceBench.Patience);
        Assert.That(given, Is.Positive);
        Assert.That(refused, Is.Positive);
    }

    [Test]
    public async Task Open_AbsolutePathElsewhere_IsRefused()
    {
        foreach (
            var path in new[]
            {
                $"{Outside}/secret",
                $"{Root}-too/secret",
                $"{Root}/../outside/secret",
                "/etc/passwd",
                "/proc/self/environ",
            }
        )
        {
            Assert.That((await TryRawAsync(new AttachmentPlace.AbsolutePath(path)))?.Fault, Is.EqualTo(SourceFault.Refused), path);
        }
    }

    [Test]
    public async Task Open_NoRootAllowed_NoAbsolutePathIs()
    {
        using var bench = new SourceBench();

        Assert.That((await bench.TryAsync($"{Root}/sub/a b%.pdf"))?.Message, Does.Contain("Resolve:AllowedRoots"));
    }

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
                Assert.ThrowsAsync<SourceException>(() => open.WaitAsync(SourceBench.Patience))!.Fault,
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

    [DllImport("libc", EntryPoint = "mkfifo", SetLastError = true)]
    private static extern int MakePipe(string path, uint mode);
}
