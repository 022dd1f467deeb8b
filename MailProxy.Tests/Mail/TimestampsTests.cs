using System.Text.Json;
using MailProxy.Pipeline.Mail;
using NUnit.Framework;

namespace MailProxy.Tests.Mail;

internal sealed class TimestampsTests
{
    [TestCase("2030-01-01T12:00:00Z", 1_893_499_200_000)]
    [TestCase("2030-01-01t12:00:00z", 1_893_499_200_000)]
    [TestCase("2030-01-01T14:30:00+02:30", 1_893_499_200_000)]
    [TestCase("2029-12-31T23:00:00-13:00", 1_893_499_200_000)]
    [TestCase("2030-01-01T12:00:00.5Z", 1_893_499_200_500)]
    [TestCase("2030-01-01T12:00:00.123456789012Z", 1_893_499_200_123)]
    [TestCase("2030-01-01T11:59:60Z", 1_893_499_200_000)]
    [TestCase("1970-01-01T00:00:00Z", 0)]
    [TestCase("2028-02-29T00:00:00Z", 1_835_395_200_000)]
    [TestCase("9999-12-31T23:59:59Z", 253_402_300_799_000)]
    public void TryRead_Rfc3339_IsRead(string text, long expected)
    {
        Assert.That(Timestamps.TryRead(text, out var time), Is.True);
        Assert.That(time, Is.EqualTo(expected));
    }

    [TestCase("")]
    [TestCase("2030-01-01")]
    [TestCase("2030-01-01T12:00:00")]
    [TestCase("2030-01-01 12:00:00Z")]
    [TestCase("2030-01-01T12:00Z")]
    [TestCase("2030-01-01T12:00:00.Z")]
    [TestCase("2030-01-01T12:00:00.5")]
    [TestCase("2030-01-01T12:00:00+0200")]
    [TestCase("2030-01-01T12:00:00+24:00")]
    [TestCase("2030-01-01T12:00:00ZZ")]
    [TestCase("2030-13-01T12:00:00Z")]
    [TestCase("2030-02-29T12:00:00Z")]
    [TestCase("2030-01-00T12:00:00Z")]
    [TestCase("2030-01-01T24:00:00Z")]
    [TestCase("2030-01-01T12:60:00Z")]
    [TestCase("2030-01-01T12:00:61Z")]
    [TestCase("0000-01-01T12:00:00Z")]
    [TestCase("1969-12-31T23:59:59Z")]
    [TestCase("9999-12-31T23:59:59-01:00")]
    [TestCase("+030-01-01T12:00:00Z")]
    [TestCase("२०३०-01-01T12:00:00Z")]
    [TestCase("1893499200")]
    public void TryRead_AnythingElse_IsRefused(string text) => Assert.That(Timestamps.TryRead(text, out _), Is.False);

    [TestCase("1893499200", true)]
    [TestCase("0", true)]
    [TestCase("253402300799", true)]
    [TestCase("253402300800", false)]
    [TestCase("9223372036854775807", false)]
    [TestCase("1e3", false)]
    [TestCase("-1", false)]
    [TestCase("true", false)]
    [TestCase("null", false)]
    public void TryRead_JsonNumber_IsWholeUnixSeconds(string json, bool good)
    {
        using var document = JsonDocument.Parse(json);

        Assert.That(Timestamps.TryRead(document.RootElement, out _), Is.EqualTo(good));
    }

    [Test]
    public void Write_Milliseconds_CanBeReadAgain()
    {
        Assert.That(Timestamps.Write(1_893_499_200_007), Is.EqualTo("2030-01-01T12:00:00.007Z"));
        Assert.That(Timestamps.TryRead("2030-01-01T12:00:00.007Z", out var again) ? again : 0, Is.EqualTo(1_893_499_200_007));
    }
}
