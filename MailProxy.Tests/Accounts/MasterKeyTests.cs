using MailProxy.Pipeline.Accounts;
using NUnit.Framework;

namespace MailProxy.Tests.Accounts;

internal sealed class MasterKeyTests
{
    private static readonly byte[] Bytes = [.. Enumerable.Range(0, 32).Select(i => (byte)(i * 7))];

    [Test]
    public void ParseList_Base64AndHex_AreTheSameKey()
    {
        var base64 = MasterKey.ParseList(Convert.ToBase64String(Bytes));
        var lower = MasterKey.ParseList(Convert.ToHexStringLower(Bytes));
        var upper = MasterKey.ParseList(Convert.ToHexString(Bytes) + "\n");
        Assert.Multiple(() =>
        {
            Assert.That(base64, Has.Count.EqualTo(1));
            Assert.That(base64![0].Bytes.ToArray(), Is.EqualTo(Bytes));
            Assert.That(lower![0].Id, Is.EqualTo(base64[0].Id));
            Assert.That(upper![0].Id, Is.EqualTo(base64[0].Id));
        });
    }

    [TestCase("")]
    [TestCase(" , ")]
    [TestCase("correct horse battery staple")]
    [TestCase("AAAA")]
    [TestCase("zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")]
    public void ParseList_NotAKey_IsNull(string text) => Assert.That(MasterKey.ParseList(text), Is.Null);

    [TestCase(31)]
    [TestCase(33)]
    [TestCase(64)]
    public void ParseList_WrongLength_IsNull(int size) => Assert.That(MasterKey.ParseList(Convert.ToBase64String(new byte[size])), Is.Null);

    [Test]
    public void ParseList_Several_KeepsTheirOrder()
    {
        MasterKey one = MasterKey.Generate(),
            two = MasterKey.Generate();
        var text = Convert.ToBase64String(one.Bytes) + ", " + Convert.ToHexString(two.Bytes);
        Assert.That(MasterKey.ParseList(text)!.Select(k => k.Id), Is.EqualTo([one.Id, two.Id]));
    }

    [Test]
    public void ParseList_OneOfSeveralMalformed_IsNull() =>
        Assert.That(MasterKey.ParseList(Convert.ToBase64String(Bytes) + ",oops"), Is.Null);

    [Test]
    public void ToString_Key_ShowsOnlyItsId()
    {
        var key = MasterKey.Generate();
        Assert.That(key.ToString(), Is.EqualTo(key.Id).And.Length.EqualTo(16));
    }
}
