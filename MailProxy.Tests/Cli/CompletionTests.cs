using MailProxy.Daemon.Cli;
using MailProxy.Tests.Support;
using NUnit.Framework;

namespace MailProxy.Tests.Cli;

/// <summary>What a shell completes.</summary>
[TestFixture]
[Parallelizable(ParallelScope.Self)]
internal sealed class CompletionTests
{
    private static readonly (string Line, string Expected)[] Lines =
    [
        ("mailproxy mess", "messages"),
        ("mailproxy messages rel", "release"),
        ("mailproxy messages list --li", "--limit"),
        ("mailproxy messages list --limit 5 --js", "--json"),
        ("mailproxy accounts add --preset po", "postmark"),
        ("mailproxy accounts dkim ac", "activate"),
        ("mailproxy messages raw order-4711 --output lon", "longest-name.eml"),
    ];

    [Test]
    public async Task Bash_Line_IsCompleted()
    {
        foreach (var (line, expected) in Lines[..^1])
            Assert.That(await BashAsync(line), Is.EqualTo(expected), line);
        Assert.That(await BashAsync(Lines[^1].Line), Is.Empty, "it completes files by itself");
    }

    [TestCase("source $1/_mailproxy")]
    [TestCase("")]
    public async Task Zsh_Line_IsCompleted_SourcedAndFromItsPath(string source)
    {
        using var directory = new TempDirectory();
        await File.WriteAllTextAsync(Path.Combine(directory, "_mailproxy"), Completions.Zsh(CommandTree.Make(out _)));
        await File.WriteAllTextAsync(Path.Combine(directory, "longest-name.eml"), "");
        var path = source.Length == 0 ? "fpath=($1 $fpath);" : "";
        var driver = Path.Combine(directory, "driver");

        // What a person types into a shell at a terminal; Ctrl+X s shows the line as it then is.
        await File.WriteAllTextAsync(
            driver,
            $$"""
            zmodload zsh/zpty
            zpty shell "TERM=dumb zsh -f -i"
            zpty -w shell "set -- $1; cd $1; PS1=; {{path.Replace(
                "$fpath",
                "\\$fpath",
                StringComparison.Ordinal
            )}} autoload -Uz compinit; compinit -u -D; {{source}}"
            zpty -w shell 'show() { zle -I; print -r -- "<""<$BUFFER>"">"; BUFFER= }; zle -N show; bindkey "^Xs" show; print READ""Y'
            zpty -r shell got '*READY*'
            shift
            for line; do
                zpty -w -n shell "$line"$'\t\C-xs'
                zpty -r shell got '*<<*>>*'
                print -r -- ${${got##*<<}%%>>*}
            done

            """
        );

        var (syntax, mistakes) = await Run.AsIsAsync("zsh", "-n", Path.Combine(directory, "_mailproxy"));
        var (code, output) = await Run.AsIsAsync("zsh", ["-f", driver, directory, .. Lines.Select(static one => one.Line)]);

        Assert.That((syntax, mistakes), Is.EqualTo((0, "")));
        Assert.That(code, Is.Zero, output);
        Assert.That(output.TrimEnd().Split('\n').Select(static line => line.TrimEnd()), Is.EqualTo(Lines.Select(Completed)));
    }

    [Test]
    public async Task Fish_Line_IsCompleted()
    {
        using var directory = new TempDirectory();
        var script = Path.Combine(directory, "mailproxy.fish");
        await File.WriteAllTextAsync(script, Completions.Fish(CommandTree.Make(out _)));
        await File.WriteAllTextAsync(Path.Combine(directory, "longest-name.eml"), "");
        foreach (var (line, expected) in Lines)
        {
            var command = $"cd {directory.Path}; source {script}; complete -C '{line}'";
            var (code, output) = await Run.AsIsAsync("fish", "--no-config", "-c", command);
            Assert.That(code, Is.Zero, output);
            Assert.That(output.TrimEnd().Split('\n').Select(static one => one.Split('\t')[0]), Is.EqualTo(new[] { expected }), line);
        }
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

    private static string Completed((string Line, string Expected) one) => one.Line[..(one.Line.LastIndexOf(' ') + 1)] + one.Expected;

    private static async Task<string> BashAsync(string line)
    {
        var words = string.Join(' ', line.Split(' ').Select(static word => $"'{word}'"));
        var script =
            Completions.Bash(CommandTree.Make(out _))
            + $"\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _mailproxy; echo \"${{COMPREPLY[@]}}\"";
        var (code, output) = await Run.AsIsAsync("bash", "-uc", script);
        Assert.That(code, Is.Zero, output);
        return output.Trim();
    }
}
