using System.Collections;
using System.Globalization;
using MailProxy.Daemon.Hosting;
using NUnit.Framework;

namespace MailProxy.Tests.Hosting;

/// <summary>What a service manager says of its sockets; that it works with one is shown under a real systemd.</summary>
[TestFixture]
internal sealed class PassedSocketsTests
{
    private const int Self = 4711;

    [TestCase("4711", "1", true)]
    [TestCase("4711", "64", true)]
    [TestCase("4712", "1", false, Description = "meant for another process")]
    [TestCase(null, "1", false)]
    [TestCase("4711", null, false)]
    [TestCase("4711", "", false)]
    [TestCase("4711", "0", false)]
    [TestCase("4711", "-1", false)]
    [TestCase("4711", "65", false)]
    [TestCase("4711", "99999999999", false)]
    [TestCase("4711", "many", false)]
    [TestCase(" 4711", "1", false)]
    public void Of_Variables_TakesOnlyWhatIsMeantForItself(string? process, string? count, bool any) =>
        Assert.That(PassedSockets.Of(Variables(process, count), Self, static _ => null).Any, Is.EqualTo(any));

    [Test]
    public void Of_DescriptorThatIsNoListener_IsRefusedByItsNumber()
    {
        var looked = new List<int>();
        string? Check(int descriptor)
        {
            looked.Add(descriptor);
            return descriptor == 4 ? "it does not listen." : null;
        }

        var refusal = Assert.Throws<StartRefusedException>(() => PassedSockets.Of(Variables("4711", "2"), Self, Check));
        Assert.That(looked, Is.EqualTo(new[] { 3, 4 }));
        Assert.That(refusal!.Message, Does.Contain("descriptor 4").And.Contain("it does not listen").And.Contain("ListenStream="));
    }

    private static Hashtable Variables(string? process, string? count)
    {
        var variables = new Hashtable(StringComparer.Ordinal);
        if (process is not null)
            variables["LISTEN_PID"] = process;
        if (count is not null)
            variables["LISTEN_FDS"] = count.ToString(CultureInfo.InvariantCulture);
        return variables;
    }
}
