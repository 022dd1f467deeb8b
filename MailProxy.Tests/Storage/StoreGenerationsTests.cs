using System.Text;
using CsCheck;
using MailProxy.Pipeline.Storage;
using NUnit.Framework;

namespace MailProxy.Tests.Storage;

[TestFixture]
internal sealed class StoreGenerationsTests
{
    private const string List = "events";

    [Test]
    public void EventId_EveryPositionOfEveryLife_IsItsOwn()
    {
        var first = StoreGenerations.New();
        var restored = After(first, 50);
        var ids = Enumerable
            .Range(1, 100)
            .Select(position => first.EventId(position))
            .Concat(Enumerable.Range(51, 50).Select(position => restored.EventId(position)));

        Assert.That(ids, Is.Unique);
    }

    [Test]
    public void EventId_OfAnEventThatWasInTheBackup_StaysWhatItWas()
    {
        var first = StoreGenerations.New();
        var restored = After(After(first, 50), 80);

        Assert.That(
            Enumerable.Range(1, 50).Select(position => restored.EventId(position)),
            Is.EqualTo(Enumerable.Range(1, 50).Select(position => first.EventId(position)))
        );
    }

    [Test]
    public void EventId_FromBeforeThereWereGenerations_IsThePlainOne()
    {
        var generations = new StoreGenerations([StoreGenerations.New().Current with { FirstEvent = 8 }]);

        Assert.That(generations.EventId(7), Is.EqualTo("evt_7"));
        Assert.That(generations.EventId(8), Does.Match("^evt_[0-9a-f]{32}$"));
    }

    [Test]
    public void Cursor_AnyPosition_IsReadBackAndLooksDifferentEachTime() =>
        Gen.Long[0, long.MaxValue]
            .Sample(position =>
            {
                var generations = StoreGenerations.New();
                var (one, other) = (generations.Seal(List, position), generations.Seal(List, position));
                return generations.Open(List, one) == new CursorReading(position, false)
                    && generations.Open(List, other).Position == position
                    && !one.AsSpan().SequenceEqual(other);
            });

    [Test]
    public void Cursor_AnyOtherOctet_IsNone()
    {
        var generations = StoreGenerations.New();
        var sealedBefore = generations.Seal(List, 42);
        Gen.Select(Gen.Int[0, sealedBefore.Length - 1], Gen.Int[1, 255])
            .Sample(
                (at, change) =>
                {
                    var forged = (byte[])sealedBefore.Clone();
                    forged[at] ^= (byte)change;
                    return generations.Open(List, forged).Position is null;
                }
            );
    }

    [Test]
    public void Cursor_AnyOctets_IsNoPosition() =>
        Gen.Byte.Array[0, 80].Sample(octets => StoreGenerations.New().Open(List, octets).Position is null);

    [Test]
    public void Cursor_OfAnotherList_IsNone()
    {
        var generations = StoreGenerations.New();

        Assert.That(generations.Open("messages", generations.Seal(List, 42)), Is.EqualTo(default(CursorReading)));
    }

    [Test]
    public void Cursor_OfAnEarlierLife_IsToldApart()
    {
        var first = StoreGenerations.New();

        Assert.That(After(first, 50).Open(List, first.Seal(List, 42)), Is.EqualTo(new CursorReading(null, true)));
    }

    [TestCase("0")]
    [TestCase("4711")]
    public void Cursor_OfAnOlderProgram_IsToldApart(string number) =>
        Assert.That(StoreGenerations.New().Open(List, Encoding.ASCII.GetBytes(number)), Is.EqualTo(new CursorReading(null, true)));

    // As a restore does.
    private static StoreGenerations After(StoreGenerations before, long last) =>
        new([.. before.All, StoreGenerations.New().Current with { FirstEvent = last + 1 }]);
}
