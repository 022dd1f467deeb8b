using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Network;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Validates how a recipient unsubscribes (RFC 2369, RFC 8058).</summary>
/// <param name="links">Makes the links that this daemon serves; null: there are none.</param>
internal sealed class UnsubscribeRules(UnsubscribeLinks? links)
{
    // It has to stand on one line, in ASCII.
    private const int LongestUrl = 900;

    private const string At = "/unsubscribe";

    private static readonly string[] Headers = ["List-Unsubscribe", "List-Unsubscribe-Post"];

    /// <param name="recipients">How many the message has.</param>
    public void Check(MailDraft mail, int recipients, Mistakes mistakes)
    {
        if (mail.Unsubscribe is not { } asked)
            return;
        foreach (var name in asked.Unknown?.Keys ?? Enumerable.Empty<string>())
            mistakes.Add(JsonPointer.Member(At, name), "unknown_field", "Unknown field.");
        foreach (var name in mail.Headers?.Keys ?? Enumerable.Empty<string>())
        {
            if (Headers.Contains(name, StringComparer.OrdinalIgnoreCase))
                mistakes.Add(
                    JsonPointer.Member("/headers", name),
                    "reserved_header",
                    "It is made from unsubscribe: leave one of the two out."
                );
        }

        if (asked is { Url: null, Mailto: null, OneClick: null })
            mistakes.Add(At, "required", "Give url, mailto, or one_click: \"hosted\".");
        if (asked.Url is { } url && Url(url, asked.OneClick) is { } fault)
            mistakes.Add(At + "/url", fault);
        if (asked.Mailto is { } mailto && Addresses.ReadBare(mailto, out _) is { } wrong)
            mistakes.Add(At + "/mailto", wrong.Code, wrong.Detail);
        OneClick(asked, recipients, mistakes);
    }

    private void OneClick(UnsubscribeDraft asked, int recipients, Mistakes mistakes)
    {
        switch (asked.OneClick)
        {
            case null:
                break;
            case UnsubscribeDraft.Own:
                if (asked.Url is null)
                    mistakes.Add(At + "/url", "required", "one_click: \"own\" needs the https address that takes the POST.");
                break;
            case UnsubscribeDraft.Hosted:
                if (asked.Url is not null)
                    mistakes.Add(At + "/url", "not_applicable", "With one_click: \"hosted\" the address is made here: leave url out.");
                if ((links is null ? "There are no links here." : links.Missing) is { } missing)
                    mistakes.Add(At + "/one_click", "public_url_required", missing);
                if (recipients > 1)
                    mistakes.Add(
                        At + "/one_click",
                        "not_applicable",
                        "A hosted link is for one person: send a message to each recipient (a batch does), or use \"own\"."
                    );
                break;
            default:
                mistakes.Add(At + "/one_click", "invalid_choice", "Must be own or hosted.");
                break;
        }
    }

    private static (string Code, string Detail)? Url(string url, string? oneClick)
    {
        if (Faults.InText(url, LongestUrl) is { } fault)
            return fault;
        if (HttpAddress.Read(url) is not { Address: { } address })
            return ("invalid_url", HttpAddress.Read(url).Fault!);
        if (oneClick is not null && address.Scheme != Uri.UriSchemeHttps)
            return ("insecure_url", "RFC 8058 wants https for one click.");
        return UnsubscribeDraft.InHeader(address).Length > LongestUrl
            ? ("too_long", $"With what is encoded it has more than {LongestUrl} characters.")
            : null;
    }
}
