using MailProxy.Pipeline.Storage.Backups;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Backups;

[TestFixture]
internal sealed class StoreHistoryTests
{
    private static readonly StoreLife A = new("a", 1, 1),
        BAfter10 = new("b", 11, 6);

    private static readonly TestCaseData[] Pairs =
    [
        new TestCaseData(Of(10, 5, A), Of(10, 5, A), true).SetArgDisplayNames("the same moment"),
        new TestCaseData(Of(10, 5, A), Of(9, 5, A), true).SetArgDisplayNames("an event less"),
        new TestCaseData(Of(10, 5, A), Of(11, 5, A), false).SetArgDisplayNames("an event more"),
        new TestCaseData(Of(10, 5, A), Of(10, 6, A), false).SetArgDisplayNames("a change more"),
        new TestCaseData(Of(20, 20, A, BAfter10), Of(10, 5, A), true).SetArgDisplayNames("restored from it and gone on"),
        new TestCaseData(Of(20, 20, A, BAfter10), Of(11, 5, A), false).SetArgDisplayNames("the old life went on with an event"),
        new TestCaseData(Of(20, 20, A, BAfter10), Of(10, 6, A), false).SetArgDisplayNames("the old life went on with a change"),
        new TestCaseData(Of(10, 5, A), Of(10, 6, A, BAfter10), false).SetArgDisplayNames("the other was restored"),
        new TestCaseData(Of(99, 99, A), Of(1, 0, new StoreLife("x", 1, 1)), false).SetArgDisplayNames("another store"),
        new TestCaseData(Of(10, 5, A), Of(0, 0, new StoreLife("x", 1, 1)), true).SetArgDisplayNames(
            "another store, in which nothing ever happened"
        ),
    ];

    [TestCaseSource(nameof(Pairs))]
    public void Contains_Pairs(StoreHistory one, StoreHistory other, bool contains) =>
        Assert.That(one.Contains(other), Is.EqualTo(contains));

    private static StoreHistory Of(long events, long audits, params StoreLife[] lives) => new(lives, events, audits);
}
