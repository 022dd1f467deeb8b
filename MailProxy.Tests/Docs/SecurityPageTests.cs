using System.Text.RegularExpressions;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

/// <summary>Each attack in the table of docs/operate/security.md names tests that exist and run.</summary>
[TestFixture]
internal sealed partial class SecurityPageTests
{
    private static readonly string Text = File.ReadAllText(Repository.File("docs/operate/security.md"));

    private static string[][] Rows =>
        [
            .. Text[Text.IndexOf("<!-- attacks -->", StringComparison.Ordinal)..]
                .Split('\n')
                .SkipWhile(line => !line.StartsWith("|---", StringComparison.Ordinal))
                .Skip(1)
                .TakeWhile(line => line.StartsWith('|'))
                .Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray()),
        ];

    [Test]
    public void Attacks_EveryRow_NamesTestsThatExist()
    {
        var fixtures = typeof(SecurityPageTests).Assembly.GetTypes().Where(IsFixture).Select(type => type.Name.Split('`')[0]).ToHashSet();
        Assert.Multiple(() =>
        {
            foreach (var row in Rows)
            {
                Assert.That(row, Has.Length.EqualTo(4), string.Join(" | ", row));
                var named = Names().Matches(row[3]).Select(match => match.Groups[1].Value).ToArray();
                Assert.That(named, Is.Not.Empty, row[0]);
                Assert.That(named.Where(name => !fixtures.Contains(name)), Is.Empty, row[0]);
            }
        });
    }

    [Test]
    public void Attacks_Table_IsThere() => Assert.That(Rows, Has.Length.GreaterThan(10));

    // A contract suite is generic or abstract; what derives from it or closes it runs it.
    private static bool IsFixture(Type type) =>
        type.IsClass
        && type.GetMethods()
            .Any(method =>
                method.GetCustomAttributes(inherit: true).Any(mark => mark is TestAttribute or TestCaseAttribute or TestCaseSourceAttribute)
            );

    [GeneratedRegex("`([A-Za-z]+)`")]
    private static partial Regex Names();
}
