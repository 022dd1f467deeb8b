using System.Net;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>
/// Addresses that lead inside, asked for by a message, by a redirect, and by a volume. None may be connected to, whatever it is called.
/// </summary>
public sealed class HostileAddressTests
{
    // 127.0.0.2 stands for any loopback address that is not allowed. Names that nobody configured lead there too.
    private static readonly string[] Inside =
    [
        "http://127.0.0.2/",
        "http://127.2/",
        "http://2130706434/",
        "http://0x7f000002/",
        "http://0x7f.0.0.2/",
        "http://0177.0.0.2/",
        "http://017700000002/",
        "http://127.0.2/",
        "http://0/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.2]/",
        "http://[::ffff:7f00:2]/",
        "http://[::127.0.0.2]/",
        "http://[64:ff9b::7f00:2]/",
        "http://[2002:7f00:2::]/",
        "http://[fe80::1]/",
        "http://[fe80::1%251]/",
        "http://[fc00::1]/",
        "http://[ff02::1]/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.1.1/",
        "http://100.64.0.1/",
        "http://198.18.0.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://0xA9FEA9FE/",
        "http://[fd00:ec2::254]/",
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://ip6-localhost/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://instance-data/",
        "http://127.0.0.2.nip.example/",
        "http://private.example/",
        "http://metadata.example/",
        "http://both.example/",
        "http://mapped.example/",
        "http://127\u30020\u30020\u30022/",
        "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2461/",
        "http://\uff11\uff12\uff17.0.0.2/",
        "https://127.0.0.2/",
        "http://127.0.0.2:22/",
    ];

    private static IEnumerable<string> InsideInAscii => Inside.Where(url => url.All(char.IsAscii)); // the server writes no other headers

    private static readonly string[] Elsewhere =
    [
        "file:///etc/passwd",
        "ftp://files.example/",
        "gopher://files.example:70/_x",
        "data:text/plain,x",
        "javascript:alert(1)",
        "ldap://files.example/",
        "about:blank",
        "unix:/run/x.sock",
        "http://user@files.example/",
        "http://user:pw@files.example/",
        "//user:pw@files.example/",
        "",
        "http://",
    ];

    private LoopbackFiles _server = null!;
    private SourceBench _bench = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _server = await LoopbackFiles.StartAsync();
        _bench = new();
        _bench.Names["private.example"] = [IPAddress.Parse("10.1.2.3")];
        _bench.Names["metadata.example"] = [IPAddress.Parse("169.254.169.254")];
        _bench.Names["both.example"] = [IPAddress.Parse("192.168.0.1"), IPAddress.Parse("fd00::1")];
        _bench.Names["mapped.example"] = [IPAddress.Parse("::ffff:10.0.0.1")];
    }

    [TearDown]
    public async Task StopAsync()
    {
        _bench.Dispose();
        await _server.DisposeAsync();
    }

    // What is plain to everybody fails the mail; a name fails nothing by itself, lest its failing tell that it leads inside.
    private static SourceFault Expected(string url) =>
        new AddressRefusedException(new Uri(url).IdnHost).ForGood ? SourceFault.Refused : SourceFault.Down;

    [TestCaseSource(nameof(Inside))]
    public void Open_AddressInside_IsRefused(string url)
    {
        // Past the notation, which refuses some of them already.
        var wanted = new AttachmentRef(0, new AttachmentPlace.Url(new(url)));

        var fault = Assert.ThrowsAsync<SourceException>(() =>
            _bench.Sources.OpenAsync("default", wanted, default).WaitAsync(SourceBench.Deadline)
        )!;

        Assert.That(fault.Fault, Is.EqualTo(Expected(url)));
        Assert.That(fault.Message, Does.Contain("not allowed"));
    }

    [TestCaseSource(nameof(InsideInAscii))]
    public async Task Open_RedirectInside_IsRefused(string url)
    {
        _server.Redirect("/1", "/2");
        _server.Redirect("/2", url);

        var fault = await _bench.TryAsync($"http://files.example:{_server.Port}/1");

        Assert.That(fault?.Fault, Is.EqualTo(Expected(url)));
        Assert.That(_server.Requests, Has.Count.EqualTo(2));
    }

    [TestCaseSource(nameof(Elsewhere))]
    public async Task Open_RedirectElsewhere_IsRefused(string location)
    {
        _server.Redirect("/1", location);

        var fault = await _bench.TryAsync($"http://files.example:{_server.Port}/1");

        Assert.That(fault?.Fault, Is.EqualTo(SourceFault.Refused));
        Assert.That(_server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Open_NameThatChangesItsMind_IsCheckedAtEachConnection()
    {
        _bench.Names["turns.example"] = [IPAddress.Loopback];
        _server.Redirect("/1", $"http://turns2.example:{_server.Port}/2");
        _bench.Names["turns2.example"] = [IPAddress.Parse("10.0.0.1")];

        var fault = await _bench.TryAsync($"http://turns.example:{_server.Port}/1");

        Assert.That(fault?.Message, Does.Contain("'turns2.example' are not allowed"));
        Assert.That(_server.Requests, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Open_HttpVolumeInside_IsRefused()
    {
        _bench.Set("web", new Pipeline.Configuration.Volumes.VolumeConfig.Http(new("http://inside.example/dav/"), null));

        Assert.That((await _bench.TryAsync("web:a"))?.Message, Does.Contain("not allowed"));
    }

    [Test]
    public async Task Open_S3VolumeInside_IsRefused()
    {
        _bench.Set(
            "s3",
            new Pipeline.Configuration.Volumes.VolumeConfig.S3("bucket", null, null, new("http://169.254.169.254/"), true, "a", "b", true)
        );

        var fault = await _bench.TryAsync("s3:a");

        Assert.That(fault?.Fault, Is.EqualTo(SourceFault.Refused));
        Assert.That(fault?.Message, Does.Contain("not allowed"));
    }

    [Test]
    public async Task Open_EndpointInside_IsRefused()
    {
        _bench.Endpoint = (new("http://inside.example/give"), null);

        Assert.That((await _bench.TryAsync("inv-17"))?.Message, Does.Contain("not allowed"));
    }
}
