using System.Security.Cryptography;
using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>HTTP sources and HTTP volumes against a real nginx.</summary>
public sealed class NginxTests
{
    private NginxInstance _nginx = null!;
    private SourceBench _bench = null!;

    [OneTimeSetUp]
    public async Task StartServerAsync() => _nginx = await NginxInstance.StartAsync();

    [OneTimeTearDown]
    public ValueTask StopServerAsync() => _nginx.DisposeAsync();

    [SetUp]
    public void Begin() => _bench = new();

    [TearDown]
    public void End() => _bench.Dispose();

    private byte[] File(string name, int size)
    {
        var content = RandomNumberGenerator.GetBytes(size);
        System.IO.File.WriteAllBytes(Path.Combine(_nginx.Files, name), content);
        return content;
    }

    [TestCase("/files/a%20b.bin")]
    [TestCase("/there/a%20b.bin")]
    [TestCase("/slow/a%20b.bin")]
    [TestCase("/zipped/a%20b.bin")]
    public async Task Open_File_ComesAsItIsOnTheDisk(string path)
    {
        var content = File("a b.bin", 40_000);

        Assert.That(await _bench.ReadAsync(_nginx.Url(path).AbsoluteUri), Is.EqualTo(content));
    }

    [Test]
    public async Task Open_LargeFile_ComesWhole()
    {
        var content = File("large.bin", 30_000_000);

        await using var opened = await _bench.OpenAsync(_nginx.Url("/files/large.bin").AbsoluteUri);

        Assert.That(opened.Length, Is.EqualTo(content.Length));
        Assert.That(await SHA256.HashDataAsync(opened.Content), Is.EqualTo(SHA256.HashData(content)));
    }

    [TestCase("/files/nothing", nameof(SourceFault.Gone))]
    [TestCase("/files/", nameof(SourceFault.Refused))]
    [TestCase("/locked/x", nameof(SourceFault.Refused))]
    [TestCase("/round/", nameof(SourceFault.Refused))]
    [TestCase("/metadata/", nameof(SourceFault.Refused))]
    [TestCase("/busy/", nameof(SourceFault.Down))]
    [TestCase("/silent/", nameof(SourceFault.Down))]
    public async Task Open_Otherwise_SaysWhatIsToBeDone(string path, string fault) =>
        Assert.That((await _bench.TryAsync(_nginx.Url(path).AbsoluteUri))?.Fault.ToString(), Is.EqualTo(fault));

    [Test]
    public async Task Open_HttpVolume_PathsAreNamesAndNothingElse()
    {
        var content = File("100%25 #1?.bin", 1_000);
        _bench.Set("web", new VolumeConfig.Http(_nginx.Url("/files/"), null));

        Assert.That(await _bench.ReadAsync("web:100%25 #1?.bin"), Is.EqualTo(content));
        Assert.That((await _bench.TryAsync("web:nothing"))?.Fault, Is.EqualTo(SourceFault.Gone));
    }

    [Test]
    public async Task Open_HttpVolumeWithCredentials_UsesThem()
    {
        var content = File("locked.bin", 1_000);
        _bench.Set("web", new VolumeConfig.Http(_nginx.Url("/locked/"), new SourceAuth.Basic("ann", "geheim")));
        _bench.Set("wrong", new VolumeConfig.Http(_nginx.Url("/locked/"), new SourceAuth.Basic("ann", "falsch")));

        Assert.That(await _bench.ReadAsync("web:locked.bin"), Is.EqualTo(content));
        Assert.That((await _bench.TryAsync("wrong:locked.bin"))?.Fault, Is.EqualTo(SourceFault.Refused));
    }
}
