using System.Text.Json;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <param name="SendAt">Null when it is not in the future: the message is ordered by arrival.</param>
internal readonly record struct MailTimes(long? SendAt, long ExpiresAt);

/// <summary>Validates when a message is to be sent, and when it expires.</summary>
internal static class TimeRules
{
    /// <param name="expiresAfter">The rule of the account, or of its tenant; null when neither has one.</param>
    public static MailTimes Read(MailDraft mail, long now, TimeSpan? expiresAfter, Mistakes mistakes, IngestOptions options)
    {
        var sendAt = Time(mail.SendAt, "/send_at", now, mistakes, options);
        var expiresAt = Time(mail.ExpiresAt, "/expires_at", now, mistakes, options);
        if (expiresAt < sendAt)
            mistakes.Add("/expires_at", "expires_before_send", "expires_at lies before send_at.");
        else if (expiresAt <= now)
            mistakes.Add("/expires_at", "expires_in_past", "expires_at has passed.");

        if (sendAt <= now)
            sendAt = null;
        return new(sendAt, expiresAt ?? (sendAt ?? now) + (long)(expiresAfter ?? options.DefaultExpiry).TotalMilliseconds);
    }

    private static long? Time(JsonElement? written, string pointer, long now, Mistakes mistakes, IngestOptions options)
    {
        if (written is not { } element)
            return null;
        if (!Timestamps.TryRead(element, out var time))
            mistakes.Add(pointer, Timestamps.Code, Timestamps.Rule);
        else if (time > now + (long)options.MaxAhead.TotalMilliseconds)
            mistakes.Add(pointer, "out_of_range", $"At most {(int)options.MaxAhead.TotalDays} days ahead; Unix times are in seconds.");
        else
            return time;
        return null;
    }
}
