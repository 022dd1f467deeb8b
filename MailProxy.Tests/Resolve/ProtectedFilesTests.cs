using MailProxy.Pipeline.Resolve;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Resolve;

/// <summary>However wide a root is, the daemon's own files stay where they are.</summary>
public sealed class ProtectedFilesTests
{
    private DirectoryInfo _home = null!;
    private ProtectedFiles _secret = null!;

    [SetUp]
    public void SetUp()
    {
        _home = Directory.CreateTempSubdirectory("mailproxy-protected-");
        foreach (var folder in (string[])["data/spool", "data/cache/acme", "data/volumes", "files"])
            _home.CreateSubdirectory(folder);
        foreach (
            var file in (string[])["data/master.key", "data/mailproxy.db", "data/spool/a", "data/cache/acme/b", "data/volumes/c", "files/d"]
        )
            File.WriteAllText(In(file), "content");
        _secret = new(In("data"));
    }

    [TearDown]
    public void TearDown() => _home.Delete(recursive: true);

    [TestCase("data/master.key", false)]
    [TestCase("data/mailproxy.db", false)]
    [TestCase("data/spool/a", false)]
    [TestCase("data/cache/acme/b", false)]
    [TestCase("data/volumes/c", true)]
    [TestCase("files/d", true)]
    public void Open_BelowARootThatHoldsTheDataDirectory_OnlyWhatIsNotOurs(string path, bool readable) =>
        AssertRead(In(""), path, readable);

    [Test]
    public void Open_TheDataDirectoryItselfAsRoot_Refused() => AssertRead(In("data"), "master.key", false);

    [TestCase("master.key")]
    [TestCase("mailproxy.db")]
    public async Task Open_HardLink_Refused(string file)
    {
        await LinkAsync(In("data/" + file), In("files/link"));
        AssertRead(In("files"), "link", false);
    }

    [Test]
    public async Task Open_HardLinkOfAnotherFile_IsRead()
    {
        await LinkAsync(In("files/d"), In("files/link"));
        AssertRead(In("files"), "link", true);
    }

    [Test]
    public void Open_DataDirectoryReachedOverALink_Refused()
    {
        Directory.CreateSymbolicLink(In("alias"), In("data"));
        var secret = new ProtectedFiles(In("alias"));
        Assert.Throws<SourceException>(() => RootedFile.Open(In("data"), "master.key", "place", secret).Dispose());
    }

    private void AssertRead(string root, string path, bool readable)
    {
        if (readable)
        {
            using var file = RootedFile.Open(root, path, "place", _secret);
            Assert.That(file.Length, Is.EqualTo(7));
        }
        else
        {
            var fault = Assert.Throws<SourceException>(() => RootedFile.Open(root, path, "place", _secret).Dispose());
            Assert.That(fault!.Message, Does.Contain("daemon's own"));
        }
    }

    private static async Task LinkAsync(string file, string name)
    {
        var (exitCode, output) = await Run.AsIsAsync("ln", file, name);
        Assert.That(exitCode, Is.Zero, output);
    }

    private string In(string path) => Path.Join(_home.FullName, path);
}
