using MailProxy.Pipeline.Storage.Postgres;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Postgres;

/// <summary>What goes to PostgreSQL as text, and how statements are said to it.</summary>
internal sealed class PgTextTests
{
    // UTF-16 units, since a test's name cannot have half of a pair.
    [TestCase(new int[] { }, new int[] { })]
    [TestCase(new[] { 'a', 0, 'b' }, new[] { 'a', 0xFFFD, 'b' })]
    [TestCase(new[] { 0xD83D, 0xDE00 }, new[] { 0xD83D, 0xDE00 })]
    [TestCase(new[] { 0xD83D }, new[] { 0xFFFD })]
    [TestCase(new[] { 'x', 0xD83D, 'y', 0xDE00, 0xD83D, 0xDE00 }, new[] { 'x', 0xFFFD, 'y', 0xFFFD, 0xD83D, 0xDE00 })]
    public void Storable_KeepsWhatCanBeStored(int[] text, int[] stored) =>
        Assert.That(PgText.Storable(Text(text)), Is.EqualTo(Text(stored)));

    [TestCase("SELECT a FROM t INDEXED BY t_a WHERE b = ?1 AND c = ?12", "SELECT a FROM t WHERE b = $1 AND c = $12")]
    [TestCase("SELECT 1 FROM a NOT INDEXED CROSS JOIN b ON b.x = a.x", "SELECT 1 FROM a JOIN b ON b.x = a.x")]
    [TestCase("SELECT 'what?'", "SELECT 'what?'")]
    public void Of_LeavesOutWhatOnlySqliteIsTold(string sql, string said) => Assert.That(PgSql.Of(sql), Is.EqualTo(said));

    private static string Text(int[] units) => new([.. units.Select(static unit => (char)unit)]);
}
