namespace MailProxy.Daemon.Hosting;

/// <summary>Texts that fit on one line, whatever they contain.</summary>
internal static class OneLine
{
    private const int Longest = 80;

    /// <summary>The message of an exception without line breaks, and with one full stop at its end.</summary>
    public static string Of(Exception fault) => Of(fault.Message);

    public static string Of(string text)
    {
        var line = string.Join(' ', text.Split(['\r', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .TrimEnd('.');
        return new string([.. line.Select(static c => char.IsControl(c) ? '?' : c)]) + ".";
    }

    /// <summary>The beginning of a value, for messages.</summary>
    public static string Quote(string text)
    {
        var shown = text.Length <= Longest ? text : text[..Longest] + "…";
        return new string([.. shown.Select(static c => char.IsControl(c) ? '?' : c)]);
    }
}
