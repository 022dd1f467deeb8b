namespace MailProxy.Daemon.Cli.Verbs;

/// <summary>The command <c>completions</c>: scripts for shells, made from the tree of commands.</summary>
internal static class CompletionVerbs
{
    public static Verb Make()
    {
        var shell = Words.Choice("SHELL", ["bash", "zsh", "fish"]);
        return new Verb("completions", "A script that lets a shell complete commands and options.")
        {
            Details =
                "bash: source <(mailproxy completions bash), or into /usr/share/bash-completion/completions/mailproxy. "
                + "zsh: source <(mailproxy completions zsh) after compinit, or into a file _mailproxy in a directory of fpath. "
                + "fish: into ~/.config/fish/completions/mailproxy.fish.",
            Examples = ["mailproxy completions bash", "mailproxy completions zsh", "mailproxy completions fish"],
            Run = call =>
            {
                var root = CommandTree.Make(out _);
                call.Terminal.Out.Write(
                    call.Word(shell) switch
                    {
                        "bash" => Completions.Bash(root),
                        "zsh" => Completions.Zsh(root),
                        _ => Completions.Fish(root),
                    }
                );
                return Task.FromResult(ExitCode.Done);
            },
        }.With(shell);
    }
}
