using System.Text;
using MailProxy.Pipeline.Send;
using Microsoft.Extensions.Time.Testing;
using NUnit.Framework;

namespace MailProxy.Tests.Send;

internal sealed class ReplyReaderTests
{
    [TestCase("250 2.1.0 fine\r\n", 250, "2.1.0", "2.1.0 fine")]
    [TestCase("250\r\n", 250, "2.0.0", "")]
    [TestCase("250 ok\n", 250, "2.0.0", "ok")]
    [TestCase("550-5.7.1 no\r\n550-5.7.1 really\r\n550 5.7.1 no\r\n", 550, "5.7.1", "5.7.1 no 5.7.1 really 5.7.1 no")]
    [TestCase("354\r\n", 354, "3.0.0", "")]
    [TestCase("451 4.7.1 Grüße\r\n", 451, "4.7.1", "4.7.1 Grüße")]
    public async Task Read_AReply_OneLineOrMany(string wire, int code, string enhanced, string text)
    {
        var reply = await Reader(wire).ReadAsync(CancellationToken.None);
        Assert.That((reply.Code, reply.EnhancedCode, reply.Text), Is.EqualTo((code, enhanced, text)));
    }

    [TestCase("hello\r\n")]
    [TestCase("\r\n")]
    [TestCase("25 ok\r\n")]
    [TestCase("2500 ok\r\n")]
    [TestCase("650 ok\r\n")]
    [TestCase("150 ok\r\n")]
    [TestCase("2x0 ok\r\n")]
    [TestCase("250-ok\r\n251 ok\r\n")]
    [TestCase("HTTP/1.1 400 Bad Request\r\n")]
    public void Read_NotAReply_SaysSo(string wire) =>
        Assert.That(async () => await Reader(wire).ReadAsync(CancellationToken.None), Throws.TypeOf<SmtpGarbageException>());

    [Test]
    public void Read_ALineWithoutEnd_IsGarbageAndBounded() =>
        Assert.That(
            async () => await Reader("250 " + new string('x', 200_000)).ReadAsync(CancellationToken.None),
            Throws.TypeOf<SmtpGarbageException>()
        );

    [Test]
    public void Read_LinesWithoutEnd_AreGarbageAndBounded() =>
        Assert.That(
            async () => await Reader(string.Concat(Enumerable.Repeat("250-more\r\n", 20_000))).ReadAsync(CancellationToken.None),
            Throws.TypeOf<SmtpGarbageException>()
        );

    [Test]
    public void Read_EndOfStream_IsALostConnection() =>
        Assert.That(async () => await Reader("250-half\r\n").ReadAsync(CancellationToken.None), Throws.TypeOf<IOException>());

    [TestCase("550 5.7.1 ")]
    [TestCase("450-")]
    public async Task Read_ARefusalWithoutEnd_IsThatRefusalAndBounded(string begin)
    {
        var reader = Reader(begin + new string('x', 200_000));
        var reply = await reader.ReadAsync(CancellationToken.None);
        Assert.That((reply.Code.ToString(), reply.Text.Length, reader.HasLeftovers), Is.EqualTo((begin[..3], 512, true)));
    }

    [TestCase(100_000)]
    [TestCase(4_100)]
    public async Task Read_ALongLine_KeepsItsBeginning(int length)
    {
        var reader = Reader("550 5.7.1 " + new string('x', length) + "\r\n250 next\r\n");
        Assert.That((await reader.ReadAsync(CancellationToken.None)).Text, Has.Length.EqualTo(512));
        Assert.That((await reader.ReadAsync(CancellationToken.None)).Code, Is.EqualTo(250));
    }

    [TestCase("550-half\r\n", 550)]
    [TestCase("450-half\r\n450-mo", 450)]
    [TestCase("550 no end", 550)]
    [TestCase("550-a\r\n450 b\r\n", 450)]
    [TestCase("450-a\r\n550 b\r\n", 450)]
    public async Task Read_ARefusalCutOff_CountsAndNothingComesAfterIt(string wire, int code)
    {
        var reader = Reader(wire);
        Assert.That((await reader.ReadAsync(CancellationToken.None)).Code, Is.EqualTo(code));
        Assert.That(reader.HasLeftovers, Is.True);
        Assert.That(async () => await reader.ReadAsync(CancellationToken.None), Throws.TypeOf<IOException>());
    }

    [TestCase("550-a\r\n250 b\r\n")]
    [TestCase("250-a\r\n550 b\r\n")]
    [TestCase("5501 b\r\n")]
    [TestCase("55")]
    public void Read_WhatContradictsItself_IsNoRefusal(string wire) =>
        Assert.That(async () => await Reader(wire).ReadAsync(CancellationToken.None), Throws.InstanceOf<IOException>());

    [Test]
    public void Read_AnOctetASecond_EndsWithThePhaseAndNotWithTheReply()
    {
        var time = new FakeTimeProvider();
        using var clock = new PhaseClock(new() { Mail = TimeSpan.FromSeconds(20) }, time);
        using var drip = new DrippingStream(new string('x', 100), time);
        clock.Enter(SmtpPhase.Mail);

        Assert.That(async () => await new ReplyReader(drip).ReadAsync(clock.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(drip.Position, Is.EqualTo(19));
    }

    [Test]
    public void PhaseClock_WithABoundForTheWhole_EndsAllPhasesTogetherUntilTheMail()
    {
        var time = new FakeTimeProvider();
        using var clock = new PhaseClock(new(), time, TimeSpan.FromSeconds(9));
        clock.Enter(SmtpPhase.Greeting);
        time.Advance(TimeSpan.FromSeconds(5));
        clock.Enter(SmtpPhase.Hello);
        time.Advance(TimeSpan.FromSeconds(3.9));
        Assert.That(clock.Token.IsCancellationRequested, Is.False);
        time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.That(clock.Token.IsCancellationRequested, Is.True);
    }

    [Test]
    public void PhaseClock_OnceTheMailBegins_HasNoBoundForTheWhole()
    {
        var time = new FakeTimeProvider();
        using var clock = new PhaseClock(new(), time, TimeSpan.FromSeconds(9));
        clock.Enter(SmtpPhase.Idle);
        clock.Enter(SmtpPhase.Mail);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.That(clock.Token.IsCancellationRequested, Is.False);
    }

    [Test]
    public async Task Read_SeveralInOnePacket_OneAfterTheOther()
    {
        var reader = Reader("250 a\r\n251 b\r\n354 c\r\n");
        var codes = new[]
        {
            (await reader.ReadAsync(default)).Code,
            (await reader.ReadAsync(default)).Code,
            (await reader.ReadAsync(default)).Code,
        };
        Assert.That(codes, Is.EqualTo(new[] { 250, 251, 354 }));
        Assert.That(reader.HasLeftovers, Is.False);
    }

    [Test]
    public async Task Read_ByteByByte_IsTheSame()
    {
        using var slow = new OneByteStream("220-a\r\n220 b\r\n");
        var lines = new List<string>();
        await new ReplyReader(slow).ReadAsync(CancellationToken.None, lines);
        Assert.That(lines, Is.EqualTo(new[] { "a", "b" }));
    }

    private static ReplyReader Reader(string wire) => new(new MemoryStream(Encoding.UTF8.GetBytes(wire)));

    private sealed class OneByteStream(string text) : MemoryStream(Encoding.ASCII.GetBytes(text))
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..1], cancellationToken);
    }

    /// <summary>An octet a second, on a clock of its own.</summary>
    private sealed class DrippingStream(string text, FakeTimeProvider time) : MemoryStream(Encoding.ASCII.GetBytes("250-" + text))
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return cancellationToken.IsCancellationRequested
                ? ValueTask.FromCanceled<int>(cancellationToken)
                : base.ReadAsync(buffer[..1], cancellationToken);
        }
    }
}
