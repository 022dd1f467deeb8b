using System.Text.Json;

namespace MailProxy.Daemon.Genro;

/// <summary>One message of a request, before this program's own rules judge it.</summary>
/// <param name="Json">As this program's own contract has it; null: it is refused already.</param>
internal sealed record GenroMessage(string? Id, string? Tenant, ReadOnlyMemory<byte>? Json)
{
    /// <summary>The account that it names.</summary>
    public string Account { get; init; } = "";

    /// <summary>Why it is refused, in a word that clients match or read; null: it is not.</summary>
    public string? Reason { get; init; }

    /// <summary>Missing or mistyped members: when all messages of a request have some, the request itself is refused.</summary>
    public IReadOnlyList<GenroMistake> Mistakes { get; init; } = [];

    /// <summary>Addresses of attachments that must be in volumes that there are.</summary>
    public IReadOnlyList<string> InVolumes { get; init; } = [];

    /// <summary>Reads an element of a request's list.</summary>
    /// <param name="tenant">The tenant that is meant when it names none; null: it must name one.</param>
    /// <param name="usual">The priority of messages that have none.</param>
    public static GenroMessage Read(
        JsonElement item,
        int index,
        string? tenant,
        int? usual,
        GenroForm form,
        Func<string, string, bool> isStorage
    )
    {
        IReadOnlyList<object> place = ["body", "messages", index];
        return item.ValueKind == JsonValueKind.Object
            ? Read(new GenroReader(item, place, []), place, tenant, usual, form, isStorage)
            : Bad(null, null, [new("dict_type", place, "Input should be a valid dictionary", null)], place, form);
    }

    /// <summary>Reads a message.</summary>
    /// <param name="place">Where it stands in its request.</param>
    /// <param name="isStorage">Whether a tenant has a storage of a name.</param>
    public static GenroMessage Read(
        GenroReader reader,
        IReadOnlyList<object> place,
        string? tenant,
        int? usual,
        GenroForm form,
        Func<string, string, bool> isStorage
    )
    {
        var id = reader.Text("id", required: true);
        var named = form.NamesTenants ? reader.Text("tenant_id", required: tenant is null) ?? tenant : tenant;
        var account = reader.Text("account_id", required: form.NamesTenants);
        var from = reader.Text("from") ?? reader.Text("from_addr");
        if (from is null && reader.Mistakes.All(static one => one.Place[^1] is not ("from" or "from_addr")))
            reader.Fault("from", "missing", GenroMistake.Absent);
        var draft = new MessageDraft(reader, id ?? "", account ?? "", from ?? "", usual, form, name => isStorage(named ?? "", name));
        var json = draft.Write();
        if (reader.Mistakes.Count > 0)
            return Bad(id, named, reader.Mistakes, place, form);
        var reason = Missing(form, ("id", id), ("tenant_id", named), ("account_id", form.NamesTenants ? account : "none"), ("from", from));
        reason ??=
            !draft.HasRecipient ? form.Missing("to")
            : account is { Length: > 0 } ? null
            : "missing account configuration";
        if (reason is null && !IdSyntax.IsMessageId(id))
            reason = $"invalid id: {IdSyntax.MessageRule}";
        return reason is null
            ? new(id, named, json) { Account = account!, InVolumes = draft.InVolumes }
            : new(id, named, null) { Reason = reason };
    }

    private static string? Missing(GenroForm form, params ReadOnlySpan<(string Name, string? Value)> members)
    {
        foreach (var (name, value) in members)
        {
            if (string.IsNullOrWhiteSpace(value))
                return form.Missing(name);
        }

        return null;
    }

    private static GenroMessage Bad(
        string? id,
        string? tenant,
        IReadOnlyList<GenroMistake> mistakes,
        IReadOnlyList<object> place,
        GenroForm form
    )
    {
        var first = mistakes[0];
        var member = string.Join('.', first.Place.Skip(place.Count));
        var isMissing =
            first is { Type: "missing" } or { Type: "string_too_short", Place: [.., "subject"] }
            || (form.TakesAnyBatch && first.Message == GenroReader.NotNull);
        return new(id, tenant, null)
        {
            Reason = isMissing ? form.Missing(member) : $"invalid {(member.Length == 0 ? "message" : member)}: {first.Message}",
            Mistakes = mistakes,
        };
    }
}
