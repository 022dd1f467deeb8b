using System.Text;
using MailProxy.Daemon.Sandbox;
using NUnit.Framework;

namespace MailProxy.Tests.Sandbox;

/// <summary>Large bodies share a bound of memory, and what finds none is refused for now.</summary>
internal sealed class SandboxMemoryTests
{
    private const int Large = 600_000;

    private static readonly byte[] Body = Encoding.ASCII.GetBytes(new string('x', 998) + "\r\n");

    private static void Feed(DataDecoder data, int bytes)
    {
        data.Reset();
        for (var i = 0; i < bytes / Body.Length; i++)
            Assert.That(data.Read(Body, out _), Is.False);
    }

    private static void End(DataDecoder data) => Assert.That(data.Read(".\r\n"u8, out _), Is.True);

    [Test]
    public void TwoLargeBodies_MemoryForOne_TheSecondIsRefusedForNow()
    {
        var memory = new SandboxMemory(1 << 20);
        using DataDecoder first = new(10_000_000, memory),
            second = new(10_000_000, memory);
        Feed(first, Large);
        Feed(second, Large);
        End(second);
        Assert.That((second.NoMemory, second.TooLarge, second.Body.Length), Is.EqualTo((true, false, 0)));
        var session = new SandboxSession(10_000_000, new());
        var (reply, keep) = session.EndOfData(second);
        Assert.That((reply.ToString(), keep), Is.EqualTo(("452 4.3.1 No memory for this message now", false)));

        End(first);
        Assert.That((first.NoMemory, first.Detach().Length), Is.EqualTo((false, Large)));
        Feed(second, Large);
        End(second);
        Assert.That((second.NoMemory, second.Detach().Length), Is.EqualTo((false, Large)), "the first has given its memory back");
    }

    [Test]
    public void OneBody_LargerThanAllMemory_IsTakenWhileItIsAlone()
    {
        using var data = new DataDecoder(10_000_000, new(1_000));
        Feed(data, Large);
        End(data);
        Assert.That((data.NoMemory, data.Detach().Length), Is.EqualTo((false, Large)));
    }

    [Test]
    public void Detach_AnyBody_TheNextBodyDoesNotWriteIntoIt([Values(1_000, Large)] int bytes)
    {
        using var data = new DataDecoder(10_000_000, new(10_000_000));
        Feed(data, bytes);
        End(data);
        var kept = data.Detach();
        data.Reset();
        data.Read(Encoding.ASCII.GetBytes(new string('y', 998) + "\r\n.\r\n"), out _);
        Assert.That((kept.Length, kept.Span.Contains((byte)'y')), Is.EqualTo((bytes, false)));
    }
}
