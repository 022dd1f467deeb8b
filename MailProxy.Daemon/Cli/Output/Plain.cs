namespace MailProxy.Daemon.Cli.Output;

/// <summary>
/// Text of others that is safe to show: a subject or a server's reply may have control characters in it, which a terminal would obey.
/// </summary>
internal static class Plain
{
    private const char Replacement = '\uFFFD';

    public static string Of(string text) => text.Any(IsUnsafe) ? new([.. text.Select(static c => IsUnsafe(c) ? Replacement : c)]) : text;

    // Control characters, and those that turn the direction of what stands beside them.
    private static bool IsUnsafe(char c) =>
        (char.IsControl(c) && c is not '\t') || c is >= '\u202A' and <= '\u202E' or >= '\u2066' and <= '\u2069' or '\u200E' or '\u200F';
}
