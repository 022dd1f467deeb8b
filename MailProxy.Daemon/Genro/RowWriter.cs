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

    /// <param name="withHistory">Whether its events were asked for.</param>
    public void Write(Utf8JsonWriter json, CompatMessage message, GenroForm form, bool withHistory)
    {
        var view = message.View;
        var tenant = view.Key.Tenant;
        var account = names.NameOf(view.Account) ?? "";
        using var document = message.Json is { } draft ? JsonDocument.Parse(draft) : null;
        var kept = Kept(document);
        json.WriteStartObject();
        json.WriteString("pk"u8, view.Number.ToString(CultureInfo.InvariantCulture));
        json.WriteString("id"u8, view.Key.Id);
        if (form.NamesTenants)
        {
            json.WriteString("tenant_id"u8, tenant);
            Text(json, "tenant_name", tenants.Directory.Find(tenant)?.Name, form);
        }

        json.WriteString("account_id"u8, account);
        json.WriteNumber("priority"u8, (int)view.Priority);
        var batch = Text(kept, "batch_code") ?? view.Batch;
        Text(json, "batch_code", batch, form);
        Times(json, message, form);
        json.WriteString("created_at"u8, GenroTimes.Iso(view.CreatedAt));
        json.WriteString("updated_at"u8, GenroTimes.Iso(message.LastAt));
        json.WriteBoolean("is_pec"u8, false);
        json.WritePropertyName("message"u8);
        DraftReading.Write(json, document?.RootElement, kept, view, account, batch, Retries(view), form);
        if (message.Events.Count > 0 || (withHistory && form.IsBare))
            History(json, message.Events, form);
        json.WriteEndObject();
    }

    private void Times(Utf8JsonWriter json, CompatMessage message, GenroForm form)
    {
        var view = message.View;
        var seconds = message.LastAt / 1000;
        var failed = view.State.IsFinal() && view.State != MessageState.Sent;
        var next = NextAttempt(view) / 1000;
        var error =
            !failed ? null
            : message.Last is { } last ? Error(last.Type, last.Detail)
            : view.State.Name();
        Time(json, "sent_ts", view.State is MessageState.Sent or MessageState.PartiallySent ? seconds : null, form);
        Time(json, "error_ts", failed ? seconds : null, form);
        Text(json, "error", error, form);
        Time(json, "deferred_ts", next, form);
        if (!form.IsBare)
            return;
        Time(json, "smtp_ts", view.State.IsFinal() ? seconds : null, form);
        Text(
            json,
            "status",
            failed ? "error"
                : view.State.IsFinal() ? "sent"
                : next is null ? "pending"
                : "deferred",
            form
        );
    }

    private static void Time(Utf8JsonWriter json, string name, long? seconds, GenroForm form)
    {
        if (seconds is { } value)
            json.WriteNumber(name, value);
        else if (form.IsBare)
            json.WriteNull(name);
    }

    private static void Text(Utf8JsonWriter json, string name, string? text, GenroForm form)
    {
        if (text is not null || form.IsBare)
            json.WriteString(name, text);
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

    private static void History(Utf8JsonWriter json, IReadOnlyList<CompatEvent> events, GenroForm form)
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
            var description = kind switch
            {
                "error" => Error(one.Type, one.Detail),
                "deferred" => Said(one.Detail, EventText.Deferred),
                _ => null,
            };
            Text(json, "description", description, form);
            if (form.IsBare)
                json.WriteNull("metadata"u8);
            Time(json, "reported_ts", one.ReportedAt / 1000, form);
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
