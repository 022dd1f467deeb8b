using MailProxy.Daemon.Sandbox;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Sandbox;

[TestFixture]
internal sealed class RehearsalTableTests
{
    [Test]
    public void Page_OfTheSandbox_HasTheTableOfTheCode()
    {
        var rows = Rehearsal.Table.Select(row => $"| `{row.Local}@` | {Answer(row)} | {row.About} |");
        var page = File.ReadAllLines(Repository.File("MailProxy.Daemon/Sandbox/README.md"));
        Assert.That(page.Where(line => line.StartsWith("| `", StringComparison.Ordinal)), Is.EqualTo(rows));
    }

    private static string Answer(Rehearsal row)
    {
        var when = row.Phase switch
        {
            RehearsalPhase.Rcpt => "RCPT",
            RehearsalPhase.Body => "body",
            _ => "final dot",
        };
        var reply = row.Reply is null ? "none" : row.Reply.Split("\r\n")[0].Replace("{N}", "N", StringComparison.Ordinal);
        return $"{when} | `{reply}`{(row.Then == SandboxStep.Close ? ", closes" : "")}".Replace("`none`", "none", StringComparison.Ordinal);
    }
}
