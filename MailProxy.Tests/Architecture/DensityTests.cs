using System.Text.RegularExpressions;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Architecture;

/// <summary>A reader sees a file whole: no line beyond the width of a window, no file beyond what is read in one go.</summary>
public sealed partial class DensityTests
{
    private const int Columns = 140;
    private const int Lines = 300;

    private static readonly string[] Projects = ["MailProxy.Pipeline", "MailProxy.Daemon", "MailProxy.Tests", "benchmarks"];

    private static IEnumerable<string> Files => Projects.SelectMany(Repository.Sources);

    [Test]
    public void Code_HasNoLineBeyondTheColumns()
    {
        var beyond = Files.SelectMany(file =>
            LongLines(File.ReadAllText(file)).Select(line => $"{Path.GetRelativePath(Repository.Root, file)}: {line}")
        );
        Assert.That(beyond, Is.Empty, $"lines of more than {Columns} columns");
    }

    [Test]
    public void Code_HasNoFileBeyondTheLines()
    {
        var beyond = Files
            .Where(static file => File.ReadLines(file).Count() > Lines)
            .Select(static file => Path.GetRelativePath(Repository.Root, file));
        Assert.That(beyond, Is.Empty, $"files of more than {Lines} lines: split them by what they do");
    }

    [Test]
    public void LongLines_OfCode_AreFoundAndThoseOfRawDataAreNot()
    {
        var wide = new string('x', Columns);
        Assert.That(
            LongLines($"a {wide}\nvar b = \"\"\"\n    {wide}\n    \"\"\";\nc {wide}"),
            Is.EqualTo(new[] { $"a {wide}", $"c {wide}" })
        );
    }

    // What stands between """ and """ is data (JSON of the wire, Markdown of a report), whose lines are not ours to break.
    private static IEnumerable<string> LongLines(string text)
    {
        var code = RawText().Replace(text, "\"\"\"\"\"\"");
        return code.Split('\n').Where(static line => line.Length > Columns);
    }

    [GeneratedRegex("\"\"\"+.*?\"\"\"+", RegexOptions.Singleline)]
    private static partial Regex RawText();
}
