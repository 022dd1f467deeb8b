using System.CommandLine;
using System.Text;

namespace MailProxy.Daemon.Cli;

/// <summary>Scripts that complete commands, options, and values of options that have only a few. Pure.</summary>
internal static class Completions
{
    public static string Bash(RootCommand root) =>
        $$"""
            # bash completion of mailproxy, made by: mailproxy completions bash
            _mailproxy() {
                local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at="" words="" i
                for ((i = 1; i < COMP_CWORD; i++)); do
                    case "${at:+$at }${COMP_WORDS[i]}" in
                        {{Paths(root)}}) at="${at:+$at }${COMP_WORDS[i]}" ;;
                    esac
                done
                case "$at $prev" in
            {{Cases(Values(root), "        ")}}
                    *)
                        case "$at" in
            {{Cases(Entries(root), "                ")}}
                        esac
                        ;;
                esac
                COMPREPLY=($(compgen -W "$words" -- "$cur"))
            }
            complete -o bashdefault -o default -F _mailproxy mailproxy

            """;

    /// <summary>Sourced, or as a file <c>_mailproxy</c> in a directory of <c>fpath</c>, where the first completion runs it.</summary>
    public static string Zsh(RootCommand root) =>
        $$"""
            #compdef mailproxy
            # zsh completion of mailproxy, made by: mailproxy completions zsh
            _mailproxy() {
                local at="" found="" prev=${words[CURRENT-1]} i
                for ((i = 2; i < CURRENT; i++)); do
                    case "${at:+$at }${words[i]}" in
                        {{Paths(root)}}) at="${at:+$at }${words[i]}" ;;
                    esac
                done
                case "$at $prev" in
            {{Cases(Values(root), "        ", "found")}}
                    *)
                        case "$at" in
            {{Cases(Entries(root), "                ", "found")}}
                        esac
                        ;;
                esac
                { [[ -n $found ]] && compadd -- ${=found} } || _files
            }
            if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
                _mailproxy "$@"
            elif (( $+functions[compdef] )); then
                compdef _mailproxy mailproxy
            else
                print -u2 "mailproxy: zsh completes after: autoload -Uz compinit && compinit"
            fi

            """;

    public static string Fish(RootCommand root)
    {
        var text = new StringBuilder(
            """
            # fish completion of mailproxy, made by: mailproxy completions fish
            function __mailproxy_at
                set -l typed
                for word in (commandline -opc)[2..-1]
                    string match -q -- '-*' $word; or set -a typed $word
                end
                set -l wanted (string split ' ' -- "$argv[1]")
                set -l length (count $wanted)
                test "$argv[1]" = ''; and begin; test (count $typed) -eq 0; return; end
                test (count $typed) -ge $length; and test "$typed[1..$length]" = "$argv[1]"
            end

            """
        );
        foreach (var (path, command) in Commands(root))
        {
            foreach (var below in HelpText.Shown(command))
                text.Append($"complete -c mailproxy -f -n '__mailproxy_at \"{path}\"' -a {below.Name} -d {Quoted(below.Description)}\n");
            foreach (var option in command is Verb { IsOwn: true } ? [] : Options(command))
            {
                var value =
                    option.Arity.MaximumNumberOfValues == 0 ? ""
                    : option.HelpName is "FILE" or "DIR" ? " -r -F"
                    : option.HelpName?.Contains('|') == true ? $" -x -a '{option.HelpName.Replace('|', ' ')}'"
                    : " -x";
                text.Append(
                    $"complete -c mailproxy -n '__mailproxy_at \"{path}\"' -l {option.Name[2..]}{value} -d {Quoted(option.Description)}\n"
                );
            }
        }

        return text.ToString();
    }

    /// <summary>Every command with the words that name it; the root has none.</summary>
    public static IEnumerable<(string Path, Command Command)> Commands(Command command, string path = "") =>
        HelpText
            .Shown(command)
            .SelectMany(below => Commands(below, path.Length == 0 ? below.Name : $"{path} {below.Name}"))
            .Prepend((path, command));

    private static string Paths(RootCommand root) => string.Join('|', Commands(root).Skip(1).Select(static one => $"\"{one.Path}\""));

    // What may follow a command: those below it, or its options.
    private static IEnumerable<(string Case, string Words)> Entries(RootCommand root) =>
        Commands(root)
            .Select(static one =>
                (
                    $"\"{one.Path}\"",
                    string.Join(
                        ' ',
                        HelpText.Shown(one.Command).Any() ? HelpText.Shown(one.Command).Select(static below => below.Name)
                            : one.Command is Verb { IsOwn: true } ? []
                            : Options(one.Command).Select(static option => option.Name)
                    )
                )
            );

    private static IEnumerable<(string Case, string Words)> Values(RootCommand root) =>
        Commands(root)
            .SelectMany(static one =>
                one.Command.Options.Where(static option => option.HelpName?.Contains('|') == true)
                    .Select(option => ($"\"{one.Path} {option.Name}\"", option.HelpName!.Replace('|', ' ')))
            )
            .Append((string.Join('|', PathOptions(root).Select(static name => $"*\" {name}\"")), ""));

    // Where nothing is offered, the shell completes files.
    private static IEnumerable<string> PathOptions(RootCommand root) =>
        Commands(root)
            .SelectMany(static one => Options(one.Command))
            .Where(static option => option.HelpName is "FILE" or "DIR")
            .SelectMany(static option => option.Aliases.Prepend(option.Name))
            .Distinct()
            .Order(StringComparer.Ordinal);

    private static IEnumerable<Option> Options(Command command) =>
        command is RootCommand ? [] : command.Options.Where(HelpText.IsOwn).Concat(HelpText.Shown(command).Any() ? [] : CommonOptions.All);

    private static string Cases(IEnumerable<(string Case, string Words)> cases, string indent, string variable = "words") =>
        string.Join('\n', cases.Select(one => $"{indent}{one.Case}) {variable}=\"{one.Words}\" ;;"));

    private static string Quoted(string? text) => "'" + (text ?? "").Replace("'", "\\'", StringComparison.Ordinal) + "'";
}
