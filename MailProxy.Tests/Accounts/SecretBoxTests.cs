using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

internal sealed class SecretBoxTests
{
    private const string Owner = "account/3/password";
    private static readonly MasterKey Old = MasterKey.Generate(),
        New = MasterKey.Generate();

    [TestCase("")]
    [TestCase("hunter2")]
    [TestCase("pässwörd with 🔑")]
    public void Open_WhatWasSealed_IsTheSecret(string secret)
    {
        var box = new SecretBox([New]);
        Assert.That(box.Open(box.Seal(secret, Owner), Owner), Is.EqualTo(secret));
    }

    [Test]
    public void Seal_SameSecretTwice_DiffersInEveryPartButTheHead()
    {
        var box = new SecretBox([New]);
        byte[] one = box.Seal("hunter2", Owner),
            two = box.Seal("hunter2", Owner);
        Assert.Multiple(() =>
        {
            Assert.That(one[..9], Is.EqualTo(two[..9]));
            Assert.That(one[9..21], Is.Not.EqualTo(two[9..21]), "nonce");
            Assert.That(one[37..], Is.Not.EqualTo(two[37..]), "ciphertext");
        });
    }

    [Test]
    public void Seal_Secret_IsNotInTheBytes()
    {
        var sealedBytes = new SecretBox([New]).Seal("hunter2", Owner);
        Assert.That(Encoding.Latin1.GetString(sealedBytes), Does.Not.Contain("hunter2"));
    }

    [Test]
    public void Open_ForAnotherOwner_IsRefused()
    {
        var box = new SecretBox([New]);
        var sealedBytes = box.Seal("hunter2", Owner);
        Assert.That(
            () => box.Open(sealedBytes, "account/4/password"),
            Throws.TypeOf<StoreRefusedException>().With.Message.Contains("account/4/password")
        );
    }

    [Test]
    public void Open_AnyByteChanged_IsRefused()
    {
        var box = new SecretBox([New]);
        var sealedBytes = box.Seal("hunter2", Owner);
        Assert.Multiple(() =>
        {
            for (var i = 0; i < sealedBytes.Length; i++)
            {
                var damaged = sealedBytes.ToArray();
                damaged[i] ^= 1;
                Assert.That(() => box.Open(damaged, Owner), Throws.TypeOf<StoreRefusedException>(), $"byte {i}");
            }
        });
    }

    [Test]
    public void Open_TooShort_IsRefused()
    {
        var box = new SecretBox([New]);
        Assert.That(() => box.Open(box.Seal("", Owner)[..^1], Owner), Throws.TypeOf<StoreRefusedException>());
    }

    [Test]
    public void Open_SealedUnderAnOlderKeyThatIsHeld_IsTheSecret()
    {
        var sealedBytes = new SecretBox([Old]).Seal("hunter2", Owner);
        Assert.That(new SecretBox([New, Old]).Open(sealedBytes, Owner), Is.EqualTo("hunter2"));
    }

    [Test]
    public void Seal_SeveralKeys_UsesTheFirst() =>
        Assert.That(SecretBox.KeyIdOf(new SecretBox([New, Old]).Seal("hunter2", Owner)), Is.EqualTo(New.Id));

    [Test]
    public void Open_KeyNotHeld_IsRefusedAndNamesTheKey()
    {
        var sealedBytes = new SecretBox([Old]).Seal("hunter2", Owner);
        Assert.That(
            () => new SecretBox([New]).Open(sealedBytes, Owner),
            Throws.TypeOf<StoreRefusedException>().With.Message.Contains(Old.Id)
        );
    }
}
