using System.Runtime.Versioning;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

[UnsupportedOSPlatform("windows")]
internal sealed class MasterKeySourcesTests
{
    private string _data = "",
        _credentials = "";

    [SetUp]
    public void MakeDirectories()
    {
        _data = Directory.CreateTempSubdirectory("mailproxy-keys-").FullName;
        _credentials = Directory.CreateTempSubdirectory("mailproxy-credentials-").FullName;
    }

    [TearDown]
    public void RemoveDirectories()
    {
        Directory.Delete(_data, recursive: true);
        Directory.Delete(_credentials, recursive: true);
    }

    [Test]
    public void Find_EveryPlaceHasOne_TakesTheSetting()
    {
        PutCredential();
        new MasterKeyFile(_data).Create();
        var (text, id) = Key();
        Assert.That(new MasterKeySources(text, _credentials, _data).Find().Keys.Select(k => k.Id), Is.EqualTo([id]));
    }

    [Test]
    public void Find_NoSetting_TakesTheCredentialBeforeTheFile()
    {
        var id = PutCredential();
        new MasterKeyFile(_data).Create();
        Assert.That(new MasterKeySources("", _credentials, _data).Find().Keys.Select(k => k.Id), Is.EqualTo([id]));
    }

    [Test]
    public void Find_OnlyTheFile_TakesTheFile()
    {
        var made = new MasterKeyFile(_data).Create();
        Assert.That(new MasterKeySources(null, _credentials, _data).Find().Keys.Select(k => k.Id), Is.EqualTo([made.Id]));
    }

    [Test]
    public void Find_Nothing_TellsEveryPlaceInOrder()
    {
        var found = new MasterKeySources(null, null, _data).Find();
        Assert.Multiple(() =>
        {
            Assert.That(found.Keys, Is.Empty);
            Assert.That(found.LookedAt, Has.Count.EqualTo(3));
            Assert.That(found.LookedAt[0], Does.Contain("MAILPROXY_MASTER_KEY"));
            Assert.That(found.LookedAt[1], Does.Contain("mailproxy-master-key"));
            Assert.That(found.LookedAt[2], Does.Contain(Path.Combine(_data, "master.key")));
        });
    }

    [Test]
    public void Find_MalformedSetting_IsRefusedByNameWithoutFallingBackOrEchoing()
    {
        new MasterKeyFile(_data).Create();
        var refusal = Assert.Throws<StoreRefusedException>(() => new MasterKeySources("correct-horse", null, _data).Find());
        Assert.That(refusal!.Message, Does.Contain("MAILPROXY_MASTER_KEY").And.Not.Contain("correct-horse"));
    }

    [Test]
    public void Find_EmptyFile_IsRefused()
    {
        File.WriteAllText(Path.Combine(_data, "master.key"), "");
        Assert.That(
            () => new MasterKeySources(null, null, _data).Find(),
            Throws.TypeOf<StoreRefusedException>().With.Message.Contains("master.key")
        );
    }

    [Test]
    public void Create_NoFile_MakesOneThatOnlyItsOwnerReads()
    {
        var made = new MasterKeyFile(_data).Create();
        var path = Path.Combine(_data, "master.key");
        Assert.Multiple(() =>
        {
            Assert.That(MasterKey.ParseList(File.ReadAllText(path))!.Single().Id, Is.EqualTo(made.Id));
            Assert.That(File.GetUnixFileMode(path), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(Directory.GetFiles(_data), Is.EqualTo([path]));
        });
    }

    [Test]
    public void Create_FileIsThere_IsRefusedAndKeepsIt()
    {
        var first = new MasterKeyFile(_data).Create();
        Assert.That(() => new MasterKeyFile(_data).Create(), Throws.TypeOf<StoreRefusedException>());
        Assert.That(MasterKey.ParseList(File.ReadAllText(Path.Combine(_data, "master.key")))!.Single().Id, Is.EqualTo(first.Id));
    }

    [Test]
    public void Find_TwoKeysInOnePlace_KeepsTheirOrder()
    {
        var ((first, firstId), (second, secondId)) = (Key(), Key());
        foreach (var between in (string[])[",", "\n", " , "])
        {
            File.WriteAllText(Path.Combine(_credentials, "mailproxy-master-key"), first + between + second + "\n");
            Assert.That(
                new MasterKeySources(null, _credentials, _data).Find().Keys.Select(k => k.Id),
                Is.EqualTo(new[] { firstId, secondId })
            );
        }
    }

    [Test]
    public void Find_MalformedCredential_IsRefusedByNameThoughTheFileIsGood()
    {
        new MasterKeyFile(_data).Create();
        File.WriteAllText(Path.Combine(_credentials, "mailproxy-master-key"), "correct-horse");
        Assert.That(
            () => new MasterKeySources(null, _credentials, _data).Find(),
            Throws.TypeOf<StoreRefusedException>().With.Message.Contains(_credentials).And.Message.Not.Contains("correct-horse")
        );
    }

    [TestCase(UnixFileMode.UserRead | UnixFileMode.UserWrite, null)]
    [TestCase(UnixFileMode.UserRead, null)]
    [TestCase(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, "0640")]
    [TestCase(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead, "0644")]
    public void LooseMode_OfAFile_IsToldWhenOthersMay(UnixFileMode mode, string? told)
    {
        var file = new MasterKeyFile(_data);
        Assert.That(file.LooseMode(), Is.Null, "there is none");
        file.Create();
        File.SetUnixFileMode(file.Path, mode);
        Assert.That(file.LooseMode(), Is.EqualTo(told));
    }

    private string PutCredential()
    {
        var (text, id) = Key();
        File.WriteAllText(Path.Combine(_credentials, "mailproxy-master-key"), text + "\n");
        return id;
    }

    private static (string Text, string Id) Key()
    {
        var key = MasterKey.Generate();
        return (Convert.ToBase64String(key.Bytes), key.Id);
    }
}
