using System.Text.Json;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;

namespace MailProxy.Daemon.Genro.Import;

/// <summary>Judges a draft by the rules of submission.</summary>
internal delegate AcceptedLine JudgeDraft(string tenant, Draft draft, long now);

/// <summary>Makes messages of rows: what waits by the rules of the routes, what is over as it is remembered. Any thread.</summary>
internal sealed class OldMail(ImportScope scope, JudgeDraft judge, IngestOptions limits)
{
    // Tries that a message can have had; more is nonsense.
    private const int MostAttempts = 1_000;

    private const int MostRemembered = 1_000;

    // What was taken in then is not refused for its subject now.
    private static readonly GenroForm AnySubject = GenroForm.B with { HasEmptySubjects = true, NeedsSubject = false };

    private readonly long _now = scope.Store.Now;

    /// <summary>A message that waits, or why it cannot be taken over.</summary>
    public (ImportedMail? Mail, string? Why) Waiting(JsonElement payload, OldColumns row, long createdAt, IReadOnlyList<OldEvent> events)
    {
        if (!scope.Accounts.ContainsKey((row.Tenant, row.Account)))
            return (null, "its account is not there, or was left out");
        using var overlaid = JsonDocument.Parse(OldPayload.With(payload, row));
        var message = GenroMessage.Read(
            overlaid.RootElement,
            0,
            row.Tenant,
            null,
            AnySubject,
            (tenant, name) => scope.Schema.HasVolumes && scope.Volumes.Contains((tenant, name))
        );
        if (message.Json is not { } json)
            return (null, message.Reason);
        var line = judge(row.Tenant, OpenedMessages.Lines([json], limits).Bind().Drafts[0], _now);
        if (line.Mail is not { } mail)
            return (null, Why(line.Problem!));

        var attempts = Retries(payload);
        var due = mail.SendAt ?? 0;
        var state =
            due == 0 ? MessageState.Queued
            : attempts > 0 ? MessageState.Deferred
            : MessageState.Scheduled;
        var arrival =
            state == MessageState.Scheduled
                ? new ImportedEvent(EventType.MessageScheduled, MessageState.Scheduled, createdAt, null)
                : new ImportedEvent(EventType.MessageQueued, MessageState.Queued, createdAt, null);
        var told = events
            .Where(static one => one is { Type: EventType.MessageDeferred, ReportedAt: not null })
            .Select(static one => new ImportedEvent(one.Type, MessageState.Deferred, one.At, one.Detail));
        return (new(mail with { CreatedAt = createdAt }, state, due, attempts, [arrival, .. told]), null);
    }

    /// <summary>A message that was sent or failed. Its content is not kept.</summary>
    /// <param name="payload">Null: nobody can read it.</param>
    /// <param name="endedAt">Unix milliseconds, for one of whose end there is no event.</param>
    public ImportedMail Over(JsonElement? payload, OldColumns row, long createdAt, IReadOnlyList<OldEvent> events, long endedAt)
    {
        var isSent = events.Any(static one => one.Type == EventType.MessageSent);
        var state = isSent || events.All(static one => one.Type != EventType.MessageFailed) ? MessageState.Sent : MessageState.Failed;
        var end = state == MessageState.Sent ? EventType.MessageSent : EventType.MessageFailed;
        var mail = Remembered(payload, row, createdAt);
        return new(mail, state, 0, 1, [.. Told(events, state, end, endedAt)]);
    }

    // What was reported, the end after all that came before it. An end that was not reported comes with the report, and bounces after it.
    private static IEnumerable<ImportedEvent> Told(IReadOnlyList<OldEvent> events, MessageState state, EventType end, long endedAt)
    {
        foreach (var one in events)
        {
            if (one is { Type: EventType.MessageDeferred, ReportedAt: not null })
                yield return new(one.Type, MessageState.Deferred, one.At, one.Detail);
        }

        var ends = events.Where(one => one.Type == end).ToArray();
        if (ends.Length > 0 && !Array.Exists(ends, static one => one.ReportedAt is not null))
            yield break;
        var last = Array.FindLast(ends, static one => one.ReportedAt is not null);
        yield return ends.Length == 0 ? new(end, state, endedAt, null) : new(end, state, last.At, last.Detail);
        foreach (var one in events)
        {
            if (one is { Type: EventType.MessageBounced, ReportedAt: not null })
                yield return new(one.Type, state, one.At, one.Detail);
        }
    }

    private AcceptedMail Remembered(JsonElement? payload, OldColumns row, long createdAt)
    {
        var account = scope.Accounts.GetValueOrDefault((row.Tenant, row.Account));
        var sender = payload is { } said ? Address(said, "return_path") ?? Address(said, "from") ?? Address(said, "from_addr") : null;
        return new()
        {
            Key = new(row.Tenant, row.Id),
            Account = account?.Key ?? default(AccountKey),
            Priority = (Priority)Math.Clamp(row.Priority ?? 2, 0, 3),
            EnvelopeSender = sender ?? "",
            Recipients = payload is { } content ? Recipients(content) : [],
            Subject =
                payload is { } read && OldValues.Text(read, "subject") is { } subject
                    ? OldValues.Cut(subject, limits.MaxSubjectLength)
                    : null,
            CreatedAt = createdAt,
            ExpiresAt = createdAt + (long)AccountDocument.Lasts.TotalMilliseconds,
            MessageIdHeader = $"<{row.Id}@{sender?[(sender.LastIndexOf('@') + 1)..] ?? "localhost"}>",
            Batch = row.Batch is { Length: > 0 } code ? GenroBatches.NameOf(code) : null,
            Body = default,
        };
    }

    private static List<string> Recipients(JsonElement payload)
    {
        var found = new List<string>();
        foreach (var name in new[] { "to", "cc", "bcc" })
        {
            if (!payload.TryGetProperty(name, out var value))
                continue;
            IEnumerable<string> texts =
                value.ValueKind == JsonValueKind.String ? [value.GetString()!]
                : value.ValueKind == JsonValueKind.Array
                    ? value
                        .EnumerateArray()
                        .Where(static one => one.ValueKind == JsonValueKind.String)
                        .Select(static one => one.GetString()!)
                : [];
            foreach (var text in texts.SelectMany(AddressText.Split))
            {
                if (found.Count < MostRemembered && Addresses.Read(text, out var mailbox) is null && !found.Contains(mailbox.Address))
                    found.Add(mailbox.Address);
            }
        }

        return found;
    }

    private static string? Address(JsonElement payload, string name) =>
        OldValues.Text(payload, name) is { Length: > 0 } text && Addresses.Read(text, out var mailbox) is null ? mailbox.Address : null;

    private static int Retries(JsonElement payload) =>
        payload.TryGetProperty("retry_count", out var written) && written.ValueKind == JsonValueKind.Number
            ? (int)Math.Clamp(written.GetDouble(), 0, MostAttempts)
            : 0;

    private static string Why(Problem problem) =>
        problem.Errors is [var first, ..] ? $"invalid {first.Pointer.TrimStart('/')}: {first.Detail}" : problem.Detail;
}
