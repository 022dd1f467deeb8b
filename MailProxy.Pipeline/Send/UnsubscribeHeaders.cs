using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Send;

/// <summary>Writes List-Unsubscribe (RFC 2369) and List-Unsubscribe-Post (RFC 8058).</summary>
internal static class UnsubscribeHeaders
{
    /// <param name="links">Makes the links that this daemon serves.</param>
    /// <exception cref="UnsendableException">A link was promised, and can no longer be made.</exception>
    public static void Write(HeaderLines headers, UnsubscribeDraft asked, MailContent content, UnsubscribeLinks? links)
    {
        var url =
            asked.OneClick == UnsubscribeDraft.Hosted ? Hosted(content, links)
            : asked.Url is { } own ? UnsubscribeDraft.InHeader(HttpAddress.Stored(own))
            : null;
        var mailto = asked.Mailto is { } to && Addresses.ReadBare(to, out var mailbox) is null ? Mailto(mailbox) : null;
        var all = string.Join(", ", new[] { url, mailto }.OfType<string>().Select(static address => $"<{address}>"));
        if (all.Length > 0)
            headers.Client("List-Unsubscribe", all);
        if (asked.OneClick is not null)
            headers.Exact("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
    }

    private static string Hosted(MailContent content, UnsubscribeLinks? links)
    {
        if (links is null || links.Missing is not null || content.Slice is not [var only])
        {
            throw new UnsendableException(
                "5.6.0",
                $"The link to unsubscribe cannot be made: {links?.Missing ?? "it is for one recipient."} Then retry the message."
            );
        }

        return links.Address(content.Key, only.Address);
    }

    // RFC 6068: what is no letter or digit is percent-encoded, but a plus means itself there.
    private static string Mailto(Mailbox to) =>
        $"mailto:{Uri.EscapeDataString(to.LocalPart).Replace("%2B", "+", StringComparison.Ordinal)}@{Uri.EscapeDataString(to.Domain)}";
}
