using System.Globalization;
using System.Text.Json;

namespace MailProxy.Pipeline.Mail;

/// <summary>What an event says, in a sentence for a person. Pure.</summary>
public static class EventText
{
    /// <summary>The enhanced code (RFC 3463) of a message that failed at a limit, as no server replied.</summary>
    private const string AtLimit = "5.7.28";

    private const int LongestReason = 1_000;

    /// <summary>Why a message waits for its next attempt.</summary>
    /// <param name="detail">The event's own members.</param>
    public static string Deferred(JsonElement detail) => Member(detail, "reason") ?? Said(detail) ?? "The last attempt did not succeed.";

    /// <summary>Why a message ended unsent, at least for some of its recipients.</summary>
    public static string Error(EventType type, JsonElement detail) =>
        type switch
        {
            EventType.MessageExpired => With("Expired before it could be delivered.", Said(detail)),
            EventType.MessageCancelled => "Cancelled.",
            EventType.MessageSuppressed => "The recipient is suppressed.",
            EventType.MessageAmbiguous => "It is not known whether the server took the message, and it is not sent again.",
            _ => Member(detail, "reason") ?? Said(detail) ?? "It could not be delivered.",
        };

    /// <summary>Whether no server refused the message, but a limit of its account, whose mail does not wait.</summary>
    public static bool IsLimit(JsonElement detail) =>
        detail.TryGetProperty("recipients", out var list)
        && list.ValueKind == JsonValueKind.Array
        && list.EnumerateArray().Any(static one => Member(one, "enhanced_code") == AtLimit && !HasCode(one));

    /// <summary>The replies for the recipients that the server did not accept; with several recipients each with its address.</summary>
    private static string? Said(JsonElement detail)
    {
        if (!detail.TryGetProperty("recipients", out var list) || list.ValueKind != JsonValueKind.Array)
            return null;
        var several = list.GetArrayLength() > 1;
        var said = new List<string>();
        foreach (var recipient in list.EnumerateArray())
        {
            if (Member(recipient, "status") == RecipientState.Sent.Name() || Reply(recipient) is not { } reply)
                continue;
            said.Add(several ? $"{Member(recipient, "email")}: {reply}" : reply);
        }

        if (said.Count == 0)
            return null;
        var text = string.Join("; ", said);
        return text.Length > LongestReason ? text[..LongestReason] : text;
    }

    private static string? Reply(JsonElement recipient)
    {
        var code = HasCode(recipient) ? recipient.GetProperty("smtp_code").GetInt32().ToString(CultureInfo.InvariantCulture) : null;
        var (enhanced, reply) = (Member(recipient, "enhanced_code"), Member(recipient, "reply"));

        // Most servers begin the text of the reply with the enhanced code.
        if (enhanced is not null && reply?.StartsWith(enhanced, StringComparison.Ordinal) == true)
            enhanced = null;
        var parts = new[] { code, enhanced, reply }.OfType<string>().ToArray();
        return parts.Length == 0 ? null : string.Join(' ', parts);
    }

    private static bool HasCode(JsonElement recipient) =>
        recipient.TryGetProperty("smtp_code", out var number) && number.ValueKind == JsonValueKind.Number;

    private static string With(string what, string? said) => said is null ? what : $"{what} The last attempt: {said}";

    private static string? Member(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
