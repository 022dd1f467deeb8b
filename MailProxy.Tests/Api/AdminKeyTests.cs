using MailProxy.Daemon.Api;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Api;

[TestFixture]
[Platform(Exclude = "Win")]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class AdminKeyTests
{
    private string _data = null!;

    [SetUp]
    public void MakeDirectory() => _data = Directory.CreateTempSubdirectory("mailproxy-key-").FullName;

    [TearDown]
    public void RemoveDirectory() => Directory.Delete(_data, recursive: true);

    private string File => Path.Combine(_data, "admin.key");

    [Test]
    public void Open_FirstStart_MakesAPrivateFileAndLogsWhereNotWhat()
    {
        var log = new LogRecorder();
        var key = AdminKey.Open(null, _data, log);
        var text = System.IO.File.ReadAllText(File).Trim();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(text, Does.Match("^mpa_[A-Za-z0-9_-]{43}$"));
            Assert.That(key.Matches(text));
            Assert.That(System.IO.File.GetUnixFileMode(File), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(log.Lines.Select(l => l.Text), Has.Some.Contains(File).And.None.Contains(text));
            Assert.That(Directory.GetFiles(_data), Has.Length.EqualTo(1));
        }
    }

    [Test]
    public void Open_SecondStart_SameKey()
    {
        AdminKey.Open(null, _data, new LogRecorder());
        var text = System.IO.File.ReadAllText(File).Trim();
        Assert.That(AdminKey.Open(" ", _data, new LogRecorder()).Matches(text));
        Assert.That(System.IO.File.ReadAllText(File).Trim(), Is.EqualTo(text));
    }

    [Test]
    public void Open_Configured_NoFile()
    {
        var key = AdminKey.Open("configured-key", _data, new LogRecorder());
        Assert.That(key.Matches("configured-key"));
        Assert.That(Directory.GetFiles(_data), Is.Empty);
    }

    [Test]
    public void Open_EmptyFile_RefusesToStart()
    {
        System.IO.File.WriteAllText(File, "\n");
        Assert.That(
            () => AdminKey.Open(null, _data, new LogRecorder()),
            Throws.TypeOf<MailProxy.Pipeline.Disk.StoreRefusedException>().With.Message.Contains(File)
        );
    }

    [TestCase("the-key", true)]
    [TestCase("the-keY", false)]
    [TestCase("the-key ", false)]
    [TestCase("", false)]
    [TestCase("\ud800", false)]
    public void Matches_Offered_OnlyTheVeryKey(string offered, bool expected) =>
        Assert.That(new AdminKey("the-key").Matches(offered), Is.EqualTo(expected));

    [Test]
    public void Matches_HugeOffer_False() => Assert.That(new AdminKey("the-key").Matches(new string('k', 100_000)), Is.False);
}
