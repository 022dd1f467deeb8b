using System.Net.Http.Headers;
using System.Text;
using MailProxy.Pipeline.Configuration.Webhooks;

namespace MailProxy.Pipeline.Report;

/// <summary>The beginning of what an endpoint answered, as a person may see it. Pure.</summary>
internal static class AnswerExcerpt
{
    /// <summary>Bytes of an answer that are looked at.</summary>
    public const int Looked = 4_096;

    private const int Longest = 200;

    // Shorter ones stand in any text.
    private const int ShortestSecret = 4;

    /// <param name="body">The first bytes of the answer.</param>
    /// <param name="sent">The headers of the request, which a server may send back.</param>
    /// <returns>Null: there is no text, or it has the credentials of the request in it.</returns>
    public static string? Of(ReadOnlySpan<byte> body, WebhookEndpoint endpoint, HttpRequestHeaders sent)
    {
        var text = Encoding.UTF8.GetString(body[..Math.Min(body.Length, Looked)]);
        if (Secrets(endpoint, sent).Any(secret => text.Contains(secret, StringComparison.Ordinal)))
            return null;
        var shown = new StringBuilder(Longest);
        foreach (var one in text.EnumerateRunes())
        {
            if (shown.Length >= Longest)
                break;
            var isSpace = Rune.IsWhiteSpace(one) || Rune.IsControl(one);
            if (!isSpace)
                shown.Append(one);
            else if (shown is [.., not ' '])
                shown.Append(' ');
        }

        var excerpt = shown.ToString().Trim();
        return excerpt.Length == 0 ? null : excerpt;
    }

    private static IEnumerable<string> Secrets(WebhookEndpoint endpoint, HttpRequestHeaders sent)
    {
        IEnumerable<string?> all =
        [
            endpoint.Secret,
            endpoint.PreviousSecret,
            .. endpoint.Auth switch
            {
                SourceAuth.Basic basic => [basic.Password, sent.Authorization?.Parameter],
                SourceAuth.Bearer bearer => [bearer.Token],
                SourceAuth.Header header => (string?[])[header.Value],
                _ => [],
            },
        ];
        return all.OfType<string>().Where(static secret => secret.Length >= ShortestSecret);
    }
}
