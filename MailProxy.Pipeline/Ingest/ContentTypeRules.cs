using System.Text.RegularExpressions;
using MimeKit;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Validates the media type of an attachment: RFC 2045 5.1, without comments.</summary>
internal static partial class ContentTypeRules
{
    private const int MaxLength = 255;

    public static (string Code, string Detail)? Fault(string contentType)
    {
        if (Faults.Injection(contentType) is { } injection)
            return injection;
        if (contentType.Length > MaxLength || !Syntax().IsMatch(contentType) || !ContentType.TryParse(contentType, out _))
        {
            return ("invalid_content_type", "Write type/subtype; parameters may follow.");
        }

        return contentType.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase)
            ? ("invalid_content_type", "An attachment is one part; multipart is not.")
            : null;
    }

    private const string Token = "[A-Za-z0-9!#$%&'*+.^_`{|}~-]+";
    private const string Quoted = """
        "([ !#-\[\]-~]|\\[ -~])*"
        """;

    [GeneratedRegex(
        $@"^{Token}/{Token}([ \t]*;[ \t]*{Token}=({Token}|{Quoted}))*[ \t]*;?[ \t]*\z",
        RegexOptions.CultureInvariant | RegexOptions.NonBacktracking
    )]
    private static partial Regex Syntax();
}
