using System.Text.RegularExpressions;
using MailProxy.Tests.Hosting;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

[TestFixture]
internal sealed partial class ReadmeTests
{
    [Test]
    public void Settings_Table_IsWhatTheClassesSay() =>
        Assert.That(
            Readme.Settings.Select(row => string.Join(" | ", row.Take(4))),
            Is.EqualTo(Setting.All.Select(s => $"{s.Path} | {s.Variable} | {s.DefaultText} | {s.Range}"))
        );

    [Test]
    public void Settings_Table_SaysWhatEachMeans() => Assert.That(Readme.Settings.Select(row => row[4]), Has.None.Empty);

    [Test]
    public void Blocks_WithACurl_AreAllRun() =>
        Assert.That(OtherFences().Matches(Readme.Text).Select(m => m.Value), Has.None.Match(@"(curl|mp) [\S]*/v1"));

    [Test]
    public void Links_ToFiles_ExistHere() =>
        Assert.That(
            FileLinks()
                .Matches(Readme.Text)
                .Select(m => Repository.File(m.Groups[1].Value))
                .Where(path => !File.Exists(path) && !Directory.Exists(path)),
            Is.Empty
        );

    [Test]
    public void Links_ToSections_ExistHere()
    {
        var sections = Headings().Matches(Readme.Text).Select(m => m.Groups[1].Value.ToLowerInvariant().Replace(' ', '-'));
        Assert.That(SectionLinks().Matches(Readme.Text).Select(m => m.Groups[1].Value), Is.All.AnyOf([.. sections]));
    }

    [GeneratedRegex(@"^```(?!sh$)\w+\n.*?^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex OtherFences();

    [GeneratedRegex(@"\]\(((?!https?:|#)[^)]+)\)")]
    private static partial Regex FileLinks();

    [GeneratedRegex(@"\]\(#([^)]+)\)")]
    private static partial Regex SectionLinks();

    [GeneratedRegex(@"^## (.+)$", RegexOptions.Multiline)]
    private static partial Regex Headings();
}
