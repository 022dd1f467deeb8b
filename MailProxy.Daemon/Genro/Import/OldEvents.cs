using System.Text.Json;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sqlite;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Events of messages, as they are told here. Pure.</summary>
internal static class OldEvents
{
    /// <summary>What is read of an event, beside its message.</summary>
    public static readonly string[] Columns = ["event_type", "event_ts", "description", "metadata", "reported_ts"];

    // Columns of a row that begins with them.
    private const int Kind = 0,
        At = 1,
        Description = 2,
        Metadata = 3,
        Reported = 4;

    public const int LongestColumn = 65_536;

    private const int LongestReason = 4_000,
        LongestWord = 200;

    /// <summary>The type here; null: there is no such event here.</summary>
    public static EventType? TypeOf(string? kind) =>
        kind switch
        {
            "sent" => EventType.MessageSent,
            "error" => EventType.MessageFailed,
            "deferred" => EventType.MessageDeferred,
            "bounce" => EventType.MessageBounced,
            _ => null,
        };

    /// <summary>The event of a row; null: there is no such event here.</summary>
    /// <param name="first">The column that <see cref="Columns"/> begin at.</param>
    public static OldEvent? Read(ForeignRow row, long now, int first = 0)
    {
        if (TypeOf(row.Text(first + Kind)) is not { } type)
            return null;
        var (seconds, said) = (row.Number(first + At), row.Text(first + Description));
        var reported = row.IsNull(first + Reported) ? (long?)null : OldValues.Past(row.Number(first + Reported), now);
        var detail = type switch
        {
            EventType.MessageFailed => Failed(said),
            EventType.MessageDeferred => Deferred(said, seconds),
            EventType.MessageBounced => Bounced(said, row.Text(first + Metadata)),
            _ => null,
        };
        return new(type, OldValues.Past(seconds, now), detail, reported);
    }

    /// <summary>The end that stands in a message's own row; null: it has none.</summary>
    /// <param name="sentAt">Unix seconds, as all here.</param>
    public static OldEvent? OfRow(long? sentAt, long? failedAt, string? error, long? reportedAt, long now)
    {
        var reported = reportedAt is null ? (long?)null : OldValues.Past(reportedAt, now);
        return sentAt is not null ? new(EventType.MessageSent, OldValues.Past(sentAt, now), null, reported)
            : failedAt is not null ? new(EventType.MessageFailed, OldValues.Past(failedAt, now), Failed(error), reported)
            : null;
    }

    private static byte[]? Failed(string? said) =>
        EventDetail.Make(
            said,
            static (Utf8JsonWriter json, string? why) =>
            {
                if (why is { Length: > 0 })
                    json.WriteString("reason"u8, OldValues.Cut(why, LongestReason));
            }
        );

    // The time of such an event was that of the next attempt.
    private static byte[]? Deferred(string? said, long? next) =>
        EventDetail.Make(
            (said, next),
            static (Utf8JsonWriter json, (string? Why, long? Next) told) =>
            {
                if (told.Why is { Length: > 0 } why)
                    json.WriteString("reason"u8, OldValues.Cut(why, LongestReason));
                if (OldValues.InRange(told.Next) is { } at)
                    json.WriteString("next_attempt_at"u8, Timestamps.Write(at));
            }
        );

    private static byte[]? Bounced(string? said, string? metadata)
    {
        var more = OldValues.ObjectIn(metadata);
        return EventDetail.Make(
            (said, more),
            static (Utf8JsonWriter json, (string? Why, System.Text.Json.Nodes.JsonObject? More) told) =>
            {
                foreach (var name in new[] { "bounce_type", "bounce_code" })
                {
                    if (told.More?[name] is System.Text.Json.Nodes.JsonValue value)
                        json.WriteString(name, OldValues.Cut(value.ToString(), LongestWord));
                }

                if (told.Why is { Length: > 0 } why)
                    json.WriteString("bounce_reason"u8, OldValues.Cut(why, LongestReason));
            }
        );
    }
}

/// <summary>An event of the old database.</summary>
/// <param name="At">Unix milliseconds, not in the future.</param>
/// <param name="ReportedAt">Unix milliseconds; null: nobody was told.</param>
internal readonly record struct OldEvent(EventType Type, long At, byte[]? Detail, long? ReportedAt);
