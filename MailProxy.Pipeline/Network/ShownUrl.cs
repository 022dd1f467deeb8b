namespace MailProxy.Pipeline.Network;

/// <summary>A URL as API answers and the audit log show it: the values of its query are often secrets, so only their names are
/// shown.</summary>
public static class ShownUrl
{
    private const string Hidden = "***";

    public static string Of(string url)
    {
        var at = url.IndexOf('?');
        if (at < 0 || at == url.Length - 1)
            return url;
        return url[..(at + 1)] + string.Join('&', url[(at + 1)..].Split('&').Select(Shown));
    }

    /// <summary>The value to store: what the client wrote, or the existing value when the client sent back the masked one.</summary>
    public static string? Kept(string? written, string? existing) => existing is not null && written == Of(existing) ? existing : written;

    private static string Shown(string pair)
    {
        var equals = pair.IndexOf('=');
        return pair.Length == 0 ? ""
            : equals < 0 ? Hidden
            : pair[..(equals + 1)] + Hidden;
    }
}
