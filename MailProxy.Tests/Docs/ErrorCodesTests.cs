using System.Text.RegularExpressions;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Telemetry;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Docs;

/// <summary>The table of error codes has those that the sources use, and no others.</summary>
[TestFixture]
internal sealed partial class ErrorCodesTests
{
    // Reasons why nothing is taken, and warnings of health, listed in docs/operate/monitoring.md.
    private static readonly string[] NotCodes = ["not_running", "store_damaged", "store_missing", "spool_missing", "secret_expiring"];

    private static readonly string Sources = string.Join(
        '\n',
        Repository
            .Sources("MailProxy.Daemon/Api")
            .Concat(Repository.Sources("MailProxy.Daemon/Operations"))
            .Concat(Repository.Sources("MailProxy.Pipeline"))
            .Where(file =>
                Path.GetFileName(file) is not (nameof(ErrorCodes) + ".cs" or nameof(PipelineMetrics) + ".cs" or nameof(NodeMetrics) + ".cs")
            )
            .Select(File.ReadAllText)
    );

    private static IEnumerable<ErrorCode> All => ErrorCodes.OfRequests.Concat(ErrorCodes.OfMembers);

    [Test]
    public void Codes_OfTheTable_AreUsed() =>
        Assert.That(All.Select(one => one.Code).Where(code => !Sources.Contains($"\"{code}\"", StringComparison.Ordinal)), Is.Empty);

    [Test]
    public void Codes_WithASentenceBehind_AreInTheTable()
    {
        var used = Used()
            .Matches(Sources)
            .Select(match => match.Groups[1].Value)
            .Concat(Named().Matches(Sources).Select(m => m.Groups[1].Value));
        Assert.That(
            used.Except(NotCodes).Distinct().Except(All.Select(one => one.Code)),
            Is.Empty,
            "each needs a row in MailProxy.Daemon/Api/ErrorCodes.cs"
        );
    }

    [Test]
    public void Codes_Each_StandOnceWithStatusMeaningAndRemedy()
    {
        Assert.That(All.Select(one => one.Code), Is.Unique);
        Assert.That(All.SelectMany(one => one.Status.Split(", ")), Is.All.Match("^[45][0-9][0-9]$"));
        Assert.That(All.SelectMany(one => new[] { one.Meaning, one.Remedy }), Is.All.Match(@"^\S.*\.$"));
    }

    // "code", "A sentence
    [GeneratedRegex("\"([a-z]+(?:_[a-z]+)+)\",\\s*\\$?\"[A-Z]")]
    private static partial Regex Used();

    // Of(409, "code" · new Problem(409, "code" · Refused("code") · Code = "code"
    [GeneratedRegex(
        "(?:ProblemAnswer\\.Of\\(\\s*[0-9]{3},\\s*|new(?: Problem)?\\(\\s*[0-9]{3},\\s*|Transition\\.Refused\\(|string Code = )\"(\\w+)\""
    )]
    private static partial Regex Named();
}
