using System.Text.RegularExpressions;
using MailProxy.Tests.Hosting;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

/// <summary>What stands in documents between <c>generated</c> marks is what the code says.</summary>
[TestFixture]
internal sealed partial class GeneratedDocumentsTests
{
    private const string Refresh = "MAILPROXY_REFRESH_DOCS";

    private static readonly Dictionary<string, Func<string>> Makers = new()
    {
        ["settings"] = SettingsTables.Settings,
        ["former settings"] = SettingsTables.FormerNames,
        ["metrics"] = MetricsTable.Metrics,
        ["profiles"] = ProfileTables.Profiles,
        ["rules"] = ProfileTables.Rules,
        ["errors of requests"] = ErrorTables.OfRequests,
        ["errors of members"] = ErrorTables.OfMembers,
        ["exit codes"] = CommandTables.ExitCodes,
        ["common options"] = CommandTables.CommonOptions,
        ["commands"] = CommandTables.Commands,
    };

    [TestCase("docs/operate/configuration.md", "settings")]
    [TestCase("docs/operate/configuration.md", "former settings")]
    [TestCase("docs/reference/metrics.md", "metrics")]
    [TestCase("docs/reference/profiles.md", "profiles")]
    [TestCase("docs/reference/profiles.md", "rules")]
    [TestCase("docs/reference/errors.md", "errors of requests")]
    [TestCase("docs/reference/errors.md", "errors of members")]
    [TestCase("docs/reference/cli.md", "exit codes")]
    [TestCase("docs/reference/cli.md", "common options")]
    [TestCase("docs/reference/cli.md", "commands")]
    public async Task Part_OfADocument_IsWhatTheCodeSays(string path, string part)
    {
        var file = Repository.File(path);
        var text = await File.ReadAllTextAsync(file);
        var found = Part(part).Match(text);
        Assert.That(found.Success, $"{path} has no part 'generated: {part}'.");
        var there = found.Groups["text"];
        var made = "\n" + Makers[part]() + "\n";
        if (Environment.GetEnvironmentVariable(Refresh) == "1")
        {
            await File.WriteAllTextAsync(file, text[..there.Index] + made + text[(there.Index + there.Length)..]);
            return;
        }

        Assert.That(
            there.Value,
            Is.EqualTo(made),
            $"{path} is not what the code makes. If the change is meant, run: {Refresh}=1 dotnet test MailProxy.Tests --filter "
                + nameof(GeneratedDocumentsTests)
        );
    }

    [Test]
    public void Parts_OfAllDocuments_AreCompared() =>
        Assert.That(
            Document.All.SelectMany(document => Mark().Matches(document.Text).Select(mark => mark.Groups[1].Value)),
            Is.EquivalentTo(Makers.Keys)
        );

    [Test]
    public void Settings_Each_HasAMeaning() =>
        Assert.That(Setting.All.Where(setting => DocComments.Of(setting.Property).Length == 0).Select(setting => setting.Path), Is.Empty);

    private static Regex Part(string name) =>
        new($@"(?<=<!-- generated: {Regex.Escape(name)} -->\n)(?<text>.*?)(?=<!-- end -->)", RegexOptions.Singleline);

    [GeneratedRegex("<!-- generated: (.*?) -->")]
    private static partial Regex Mark();
}
