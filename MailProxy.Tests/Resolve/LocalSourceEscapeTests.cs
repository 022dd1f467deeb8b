using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Resolve;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>Paths, links and things that are no files: none of them leads outside.</summary>
internal sealed class LocalSourceEscapeTests : LocalSourceFixture
{
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
        await swapping.WaitAsync(SourceBench.Deadline);
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
}
