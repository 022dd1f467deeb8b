using NUnit.Framework;

namespace MailProxy.Tests.Notation;

/// <summary>The ends of time; its forms stand in <see cref="Table"/>.</summary>
internal sealed class TimestampsTests
{
    [TestCase("1970-01-01T00:00:00Z", 0)]
    [TestCase("1969-12-31T23:59:59Z", -1_000)]
    [TestCase("0001-01-01T00:00:00Z", -62_135_596_800_000)]
    [TestCase("9999-12-31T23:59:59.999Z", 253_402_300_799_999)]
    [TestCase("2028-02-29T00:00:00Z", 1_835_395_200_000)]
    [TestCase("0", 0)]
    [TestCase("253402300799.999", 253_402_300_799_999)]
    public void TryRead_AtTheEnds_IsRead(string text, long expected)
    {
        Assert.That(Timestamps.TryRead(text, out var time), Is.True);
        Assert.That(time, Is.EqualTo(expected));
    }

    [TestCase("0001-01-01T00:00:00+00:01")]
    [TestCase("9999-12-31T23:59:59-00:01")]
    [TestCase("9999-12-31T23:59:60Z")]
    [TestCase("253402300800")]
    [TestCase("9223372036854775807")]
    [TestCase("")]
    [TestCase("-")]
    [TestCase(".")]
    public void TryRead_BehindThem_IsRefused(string text) => Assert.That(Timestamps.TryRead(text, out _), Is.False);

    [TestCase(1_893_499_200_007, "2030-01-01T12:00:00.007Z")]
    [TestCase(-1, "1969-12-31T23:59:59.999Z")]
    public void Write_Milliseconds_CanBeReadAgain(long time, string text)
    {
        Assert.That(Timestamps.Write(time), Is.EqualTo(text));
        Assert.That(Timestamps.TryRead(text, out var again) ? again : 0, Is.EqualTo(time));
    }
}
