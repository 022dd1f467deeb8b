using System.Globalization;
using System.Text.Json;
using MailProxy.Daemon.Api;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Daemon.Genro;

/// <summary>Writes messages as genro-mail-proxy lists them.</summary>
internal sealed class RowWriter(CurrentTenants tenants, CurrentAccounts accounts, ISendingStore names, DispatcherControl dispatcher)
{
    /// <summary>The word that clients match for a message that failed at a limit.</summary>
    private const string RateLimit = "rate_limit_exceeded";

    public void Write(Utf8JsonWriter json, CompatMessage message)
    {
        var view = message.View;
        var tenant = view.Key.Tenant;
        var account = names.NameOf(view.Account) ?? "";
        using var document = message.Json is { } draft ? JsonDocument.Parse(draft) : null;
        var kept = Kept(document);
        json.WriteStartObject();
        json.WriteString("pk"u8, view.Number.ToString(CultureInfo.InvariantCulture));
        json.WriteString("id"u8, view.Key.Id);
        json.WriteString("tenant_id"u8, tenant);
        if (tenants.Directory.Find(tenant) is { } known)
            json.WriteString("tenant_name"u8, known.Name);
        json.WriteString("account_id"u8, account);
        json.WriteNumber("priority"u8, (int)view.Priority);
        var batch = Text(kept, "batch_code") ?? view.Batch;
        if (batch is not null)
            json.WriteString("batch_code"u8, batch);
        Times(json, message);
        json.WriteString("created_at"u8, GenroTimes.Iso(view.CreatedAt));
        json.WriteString("updated_at"u8, GenroTimes.Iso(message.LastAt));
        json.WriteBoolean("is_pec"u8, false);
        json.WritePropertyName("message"u8);
        DraftReading.Write(json, document?.RootElement, kept, view, account, batch, Retries(view));
        if (message.Events.Count > 0)
            History(json, message.Events);
        json.WriteEndObject();
    }

    private void Times(Utf8JsonWriter json, CompatMessage message)
    {
        var view = message.View;
        var seconds = message.LastAt / 1000;
        if (view.State is MessageState.Sent or MessageState.PartiallySent)
            json.WriteNumber("sent_ts"u8, seconds);
        if (view.State.IsFinal() && view.State != MessageState.Sent)
        {
            json.WriteNumber("error_ts"u8, seconds);
            json.WriteString("error"u8, message.Last is { } last ? Error(last.Type, last.Detail) : view.State.Name());
        }

        if (NextAttempt(view) is { } next)
            json.WriteNumber("deferred_ts"u8, next / 1000);
    }

    // Of mail that is ready: when the limit opens that its account is at, or its server is tried again.
    private long? NextAttempt(MessageView view)
    {
        if (view.NextAttemptAt is { } due)
            return due;
        if (view.State != MessageState.Queued || view.BatchSuspended || accounts.Directory.Find(view.Account) is null)
            return null;
        var wait = dispatcher.Waiting(view.Account);
        return wait?.Reason is "account_limit" or "tenant_limit" or "account_backoff" ? wait.Until : null;
    }

    private static int Retries(MessageView view) => view.State.IsFinal() ? Math.Max(0, view.Attempts - 1) : view.Attempts;

    private static void History(Utf8JsonWriter json, IReadOnlyList<CompatEvent> events)
    {
        json.WriteStartArray("history"u8);
        foreach (var one in events)
        {
            if (KindOf(one) is not { } kind)
                continue;
            json.WriteStartObject();
            json.WriteNumber("event_id"u8, one.Position);
            json.WriteString("event_type"u8, kind);
            json.WriteNumber("event_ts"u8, one.At / 1000);
            if (kind == "error")
                json.WriteString("description"u8, Error(one.Type, one.Detail));
            if (kind == "deferred")
                json.WriteString("description"u8, Said(one.Detail, EventText.Deferred));
            if (one.ReportedAt is { } reported)
                json.WriteNumber("reported_ts"u8, reported / 1000);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string? KindOf(CompatEvent one) =>
        one.Type switch
        {
            EventType.MessageSent => "sent",
            EventType.MessageDeferred => "deferred",
            EventType.MessageBounced => "bounce",
            EventType.MessageAmbiguous or EventType.MessageSuppressed => one.Status.IsFinal() ? "error" : null,
            EventType.MessagePartiallySent or EventType.MessageFailed or EventType.MessageExpired or EventType.MessageCancelled => "error",
            _ => null,
        };

    private static string Error(EventType type, ReadOnlyMemory<byte> detail) =>
        Said(detail, members => EventText.IsLimit(members) ? RateLimit : EventText.Error(type, members));

    private static string Said(ReadOnlyMemory<byte> detail, Func<JsonElement, string> text)
    {
        using var members = JsonDocument.Parse((byte[])[(byte)'{', .. detail.Span, (byte)'}']);
        return text(members.RootElement);
    }

    private static JsonElement? Kept(JsonDocument? document) =>
        document is not null
        && document.RootElement.TryGetProperty("metadata", out var metadata)
        && metadata.ValueKind == JsonValueKind.Object
        && metadata.TryGetProperty(MessageDraft.Kept, out var kept)
        && kept.ValueKind == JsonValueKind.Object
            ? kept
            : null;

    private static string? Text(JsonElement? members, string name) =>
        members is { } found && found.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;
}
