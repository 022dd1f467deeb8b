namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Reads settings on the command line: <c>--Name=value</c> or <c>--Name value</c>, with colons between levels. No argument is skipped
/// silently.
/// </summary>
internal static class CommandLine
{
    public static (IReadOnlyList<SettingValue> Values, IReadOnlyList<string> Mistakes) Read(string[] args)
    {
        var values = new List<SettingValue>();
        var mistakes = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            var arg = args[i];
            var equals = arg.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? arg : arg[..equals];

            // An argument that is not a name may be the value of a secret, so only its number is shown.
            if (!name.StartsWith("--", StringComparison.Ordinal) || name.Length == 2)
                mistakes.Add($"argument {i + 1}: a setting is " + $"written --Name=value or --Name value.");
            else if (equals >= 0)
                values.Add(new(name[2..], arg[(equals + 1)..], name));
            else if (i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal))
                values.Add(new(name[2..], args[++i], name));
            else
                mistakes.Add($"{name}: has no value.");
        }

        return (values, mistakes);
    }
}
