using System.Diagnostics;
using CsCheck;
using NUnit.Framework;

namespace MailProxy.Tests.Notation;

/// <summary>What traceparent and tracestate may say, and that nothing else gets through.</summary>
internal sealed class TraceContextTests
{
    private const string Trace = "0af7651916cd43dd8448eb211c80319c",
        Span = "b7ad6b7169203331",
        Parent = $"00-{Trace}-{Span}-01";

    [TestCase(Parent, Parent)]
    [TestCase($"00-{Trace}-{Span}-00", $"00-{Trace}-{Span}-00")]
    [TestCase($" {Parent}\t", Parent, TestName = "blanks around it")]
    [TestCase($"00-{Trace}-{Span}-03", $"00-{Trace}-{Span}-03", TestName = "the flag of a random id")]
    [TestCase($"00-{Trace}-{Span}-ff", $"00-{Trace}-{Span}-03", TestName = "flags that nobody knows")]
    [TestCase($"01-{Trace}-{Span}-01", Parent, TestName = "a later version")]
    [TestCase($"cc-{Trace}-{Span}-01-what-the-future-will-be", Parent, TestName = "a later version that says more")]
    public void Read_Valid_IsPassedOnAsVersion00(string header, string normal) =>
        Assert.That(TraceContext.Read(header, null), Is.EqualTo(new TraceContext(normal, null)));

    [TestCase(null)]
    [TestCase("")]
    [TestCase("x")]
    [TestCase($"ff-{Trace}-{Span}-01")]
    [TestCase($"00-{Trace}-{Span}-01-more", TestName = "version 00 says no more")]
    [TestCase($"00-{Trace}-{Span}-01-", TestName = "version 00 ends there")]
    [TestCase($"01-{Trace}-{Span}-01.more", TestName = "more without a dash")]
    [TestCase($"00-{Trace}-{Span}", TestName = "no flags")]
    [TestCase($"00-{Trace}-{Span}-1")]
    [TestCase($"00-{Trace}-{Span}-0g")]
    [TestCase($"0-{Trace}-{Span}-01")]
    [TestCase($"0x-{Trace}-{Span}-01")]
    [TestCase($"00_{Trace}-{Span}-01")]
    [TestCase($"00-{Trace}_{Span}-01")]
    [TestCase($"00-{Trace}-{Span}_01")]
    [TestCase($"00-00000000000000000000000000000000-{Span}-01", TestName = "no trace id")]
    [TestCase($"00-{Trace}-0000000000000000-01", TestName = "no span id")]
    [TestCase($"00-0AF7651916CD43DD8448EB211C80319C-{Span}-01", TestName = "upper case in the trace id")]
    [TestCase($"00-{Trace}-B7AD6B7169203331-01", TestName = "upper case in the span id")]
    [TestCase($"CC-{Trace}-{Span}-01", TestName = "upper case in the version")]
    [TestCase($"00-{Trace}0-{Span}-01", TestName = "a longer trace id")]
    [TestCase($"00-{Trace}-{Span}0-01", TestName = "a longer span id")]
    [TestCase($"{Parent},{Parent}", TestName = "two in one header")]
    [TestCase($"00-{Trace}-{Span}-01\r\nX: y", TestName = "a line more")]
    public void Read_Malformed_IsNone(string? header) => Assert.That(TraceContext.Read(header, "a=1"), Is.Null);

    [TestCase("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")]
    [TestCase(" rojo=1 ,\tcongo=2 ", "rojo=1,congo=2")]
    [TestCase("a=1,,b=2,", "a=1,b=2")]
    [TestCase("fw529a3039@dt=FfAxOi, a-b_c*/d=x y", "fw529a3039@dt=FfAxOi,a-b_c*/d=x y")]
    [TestCase("1tenant@sys=x", "1tenant@sys=x")]
    [TestCase("", null)]
    [TestCase(",", null)]
    [TestCase("a", null)]
    [TestCase("=1", null)]
    [TestCase("a=", null)]
    [TestCase("a=1=2", null)]
    [TestCase("A=1", null)]
    [TestCase("1a=1", null)]
    [TestCase("a b=1", null)]
    [TestCase("a@=1", null)]
    [TestCase("@b=1", null)]
    [TestCase("a@1b=1", null)]
    [TestCase("a@b@c=1", null)]
    [TestCase("a@abcdefghijklmno=1", null)]
    [TestCase("a=1,a=2", null)]
    [TestCase("a=ä", null)]
    [TestCase("a=1\r\nX: y", null)]
    public void Read_State_IsKeptOrDroppedWhole(string header, string? normal) =>
        Assert.That(TraceContext.Read(Parent, header), Is.EqualTo(new TraceContext(Parent, normal)));

    [Test]
    public void Read_StateAtItsBounds_IsKeptAndBeyondThemDropped()
    {
        string Members(int count) => string.Join(',', Enumerable.Range(0, count).Select(static n => $"k{n}=v"));
        string Long(int length) => "a=" + new string('x', 255) + ",b=" + new string('x', length - 260);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TraceContext.Read(Parent, Members(32))!.State, Is.EqualTo(Members(32)));
            Assert.That(TraceContext.Read(Parent, Members(33))!.State, Is.Null);
            Assert.That(TraceContext.Read(Parent, Long(512))!.State, Is.EqualTo(Long(512)));
            Assert.That(TraceContext.Read(Parent, Long(513))!.State, Is.Null);
            Assert.That(TraceContext.Read(Parent, "a=" + new string('x', 257))!.State, Is.Null);
            Assert.That(TraceContext.Read(Parent, new string('a', 256) + "=x")!.State, Is.Not.Null);
            Assert.That(TraceContext.Read(Parent, new string('a', 257) + "=x")!.State, Is.Null);
            Assert.That(TraceContext.Read(Parent, new string('a', 1_000_000))!.State, Is.Null);
        }
    }

    [Test]
    public void Read_AnyIds_AreWhatComesOut() =>
        Gen
            .Byte.Array[16]
            .Where(static id => id.Any(static one => one != 0))
            .Select(Gen.Byte.Array[8].Where(static id => id.Any(static one => one != 0)), Gen.Byte)
            .Sample(
                (trace, span, flags) =>
                {
                    var (traceId, spanId) = (Convert.ToHexStringLower(trace), Convert.ToHexStringLower(span));
                    var read = TraceContext.Read($"00-{traceId}-{spanId}-{flags:x2}", null)!.ToActivity();
                    Assert.That((read.TraceId.ToHexString(), read.SpanId.ToHexString()), Is.EqualTo((traceId, spanId)));
                    Assert.That(read.TraceFlags, Is.EqualTo((ActivityTraceFlags)(flags & 1)));
                    Assert.That(read.IsRemote, Is.True);
                }
            );

    // Whatever a client writes: what is passed on has the form of a header, and reads the same again.
    [Test]
    public void Read_AnyText_IsNoneOrOfTheRightForm() =>
        Gen.OneOf(Gen.String, Gen.Char[' ', '~'].Array.Select(static text => new string(text)))
            .Select(Gen.Int[0, 60], Gen.Char.AlphaNumeric)
            .Sample(
                (state, at, one) =>
                {
                    var parent = Parent.ToCharArray();
                    if (at < parent.Length)
                        parent[at] = one;
                    if (TraceContext.Read(new string(parent), state) is not { } read)
                        return;
                    Assert.That(read.Parent, Does.Match("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$"));
                    Assert.That(read.State ?? "", Has.All.InRange(' ', '~').And.Length.LessThanOrEqualTo(512));
                    Assert.That(TraceContext.Read(read.Parent, read.State), Is.EqualTo(read));
                }
            );

    [Test]
    public void Shared_OfOneTrace_IsTheFirst()
    {
        var (first, second) = (new TraceContext(Parent, "a=1"), new TraceContext($"00-{Trace}-00f067aa0ba902b7-00", null));
        var other = new TraceContext($"00-1af7651916cd43dd8448eb211c80319c-{Span}-01", null);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(TraceContext.Shared([first, second]), Is.SameAs(first));
            Assert.That(TraceContext.Shared([first, other]), Is.Null);
            Assert.That(TraceContext.Shared([first, null]), Is.Null);
            Assert.That(TraceContext.Shared([null, first]), Is.Null);
            Assert.That(TraceContext.Shared([]), Is.Null);
        }
    }
}
