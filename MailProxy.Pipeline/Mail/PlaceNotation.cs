using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Mail;

/// <summary>
/// Reads the address of content: <c>volume:path</c>, <c>http(s)://…</c>, <c>/absolute/path</c>; anything else belongs to the tenant's
/// endpoint. Pure.
/// </summary>
internal static class PlaceNotation
{
    private const int MaxUrl = 4096;
    private const int MaxEndpointPath = 2048;

    /// <summary>The values of <c>fetch_mode</c>.</summary>
    public static readonly string[] Modes = ["base64", "filesystem", "http_url", "endpoint", "storage"];

    /// <param name="mode">A <c>fetch_mode</c>; null: decided by the form of the text.</param>
    public static (AttachmentPlace? Place, (string Code, string Detail)? Fault) Read(string text, string? mode)
    {
        if (text.Length == 0)
            return Wrong("required", "It is empty.");
        if (Faults.InText(text, MaxUrl) is { } fault)
            return (null, fault);
        return mode switch
        {
            "http_url" => Url(text),
            "filesystem" => Absolute(text),
            "storage" => InVolume(text),
            "endpoint" => Endpoint(text),
            _ => Infer(text),
        };
    }

    private static (AttachmentPlace?, (string, string)?) Infer(string text)
    {
        if (text[0] == '/')
            return Absolute(text);
        var colon = text.IndexOf(':');
        if (colon <= 0)
            return Endpoint(text);
        var name = text.AsSpan(0, colon);
        if (name.Equals("http", StringComparison.OrdinalIgnoreCase) || name.Equals("https", StringComparison.OrdinalIgnoreCase))
            return Url(text);
        if (text.AsSpan(colon).StartsWith("://", StringComparison.Ordinal))
            return Wrong("unsupported_scheme", "Only http and https addresses are fetched.");
        if (name.Equals("base64", StringComparison.OrdinalIgnoreCase))
            return Wrong("invalid_source", "Inline content goes into content.");

        // C:\files is no volume.
        return IdSyntax.IsObjectId(name) && !text.AsSpan(colon + 1).StartsWith('\\') ? InVolume(text) : Endpoint(text);
    }

    private static (AttachmentPlace?, (string, string)?) Url(string text)
    {
        var (address, fault) = HttpAddress.Read(text);
        if (address is null)
            return Wrong("invalid_url", fault!);
        return (new AttachmentPlace.Url(new(address.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped))), null);
    }

    private static (AttachmentPlace?, (string, string)?) InVolume(string text)
    {
        var colon = text.IndexOf(':');
        if (colon <= 0 || !IdSyntax.IsObjectId(text.AsSpan(0, colon)))
            return Wrong("invalid_source", $"Write volume:path; the id of a volume is {IdSyntax.ObjectRule}.");
        var path = text[(colon + 1)..];
        return SourcePath.Fault(path) is { } fault ? (null, fault) : (new AttachmentPlace.InVolume(text[..colon], path), null);
    }

    private static (AttachmentPlace?, (string, string)?) Absolute(string text)
    {
        if (text[0] != '/')
            return Wrong("invalid_path", "An absolute path begins with a slash.");
        return SourcePath.Fault(text.AsSpan(1)) is { } fault ? (null, fault) : (new AttachmentPlace.AbsolutePath(text), null);
    }

    private static (AttachmentPlace?, (string, string)?) Endpoint(string text) =>
        text.Length > MaxEndpointPath
            ? Wrong("too_long", $"At most {MaxEndpointPath} characters.")
            : (new AttachmentPlace.Endpoint(text), null);

    private static (AttachmentPlace?, (string, string)?) Wrong(string code, string detail) => (null, (code, detail));
}
