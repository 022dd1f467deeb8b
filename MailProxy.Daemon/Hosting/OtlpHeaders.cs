namespace MailProxy.Daemon.Hosting;

/// <summary>Headers of requests to the collector, as OpenTelemetry writes them: name=value, several with commas between.</summary>
internal static class OtlpHeaders
{
    /// <summary>Reads those that are to be sent, from the settings or the file that they name. The answer is what is wrong.</summary>
    public static IEnumerable<string> Load(OtlpSettings settings)
    {
        if (!settings.IsOn)
            yield break;
        var (text, path) = (settings.Headers ?? "", "Telemetry:Otlp:Headers");
        if (settings.HeadersFile is { Length: > 0 } file)
        {
            path = "Telemetry:Otlp:HeadersFile";
            if (text.Length > 0)
                yield return $"{path}: not together with Telemetry:Otlp:Headers; set one of the two.";
            (text, var trouble) = Read(file);
            if (trouble is not null)
                yield return $"{path}: the file cannot be read: {trouble}";
        }

        if (Fault(text) is { } fault)
            yield return $"{path}: {fault}";
        settings.Sent = text;
    }

    private static (string Text, string? Trouble) Read(string file)
    {
        try
        {
            return (File.ReadAllText(file).Trim(), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return ("", error.Message);
        }
    }

    /// <summary>What is wrong with the text, without its values; null: nothing.</summary>
    internal static string? Fault(string text)
    {
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var at = part.IndexOf('=', StringComparison.Ordinal);
            if (at <= 0 || !IsName(part.AsSpan(0, at).Trim()))
                return "must be name=value, several with commas between; write a comma in a value as %2C.";
            if (Uri.UnescapeDataString(part[(at + 1)..]).AsSpan().ContainsAnyExceptInRange(' ', '~'))
                return "a value must be visible ASCII, percent-encoded where it has other characters.";
        }

        return null;
    }

    private static bool IsName(ReadOnlySpan<char> name) =>
        name.Length > 0 && !name.ContainsAnyExcept("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}
