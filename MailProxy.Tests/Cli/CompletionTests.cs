using MailProxy.Daemon.Cli;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>What a shell completes.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class CompletionTests
{
    [TestCase("mailproxy mess", "messages")]
    [TestCase("mailproxy messages rel", "release")]
    [TestCase("mailproxy messages list --li", "--limit")]
    [TestCase("mailproxy messages list --limit 5 --js", "--json")]
    [TestCase("mailproxy accounts add --preset po", "postmark")]
    [TestCase("mailproxy accounts dkim ac", "activate")]
    public async Task Bash_Line_IsCompleted(string line, string expected)
    {
        var words = string.Join(' ', line.Split(' ').Select(static word => $"'{word}'"));
        var script =
            Completions.Bash(CommandTree.Make(out _))
            + $"\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _mailproxy; echo \"${{COMPREPLY[@]}}\"";
        var (code, output) = await Run.AsIsAsync("bash", "-uc", script);
        Assert.That((code, output.Trim()), Is.EqualTo((0, expected)));
    }

    [Test]
    public void Scripts_OfAllShells_KnowEveryCommand()
    {
        var root = CommandTree.Make(out _);
        foreach (var (path, _) in Completions.Commands(root).Skip(1))
        {
            Assert.That(Completions.Bash(root), Does.Contain($"\"{path}\""));
            Assert.That(Completions.Zsh(root), Does.Contain($"\"{path}\""));
            Assert.That(Completions.Fish(root), Does.Contain($"-a {path.Split(' ')[^1]} "));
        }
    }
}
