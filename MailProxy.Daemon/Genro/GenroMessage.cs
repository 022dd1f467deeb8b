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

    /// <summary>Reads a message.</summary>
    /// <param name="item">An element of the request's list.</param>
    /// <param name="tenant">The tenant that is meant when it names none; null: it must name one.</param>
    /// <param name="usual">The priority of messages that have none.</param>
    /// <param name="notation">Null: as the contract of 0.6.10 to 0.7.7 has it.</param>
    public static GenroMessage Read(JsonElement item, int index, string? tenant, int? usual, DraftNotation? notation = null)
    {
        var mistakes = new List<GenroMistake>();
        IReadOnlyList<object> place = ["body", "messages", index];
        if (item.ValueKind != JsonValueKind.Object)
            return Bad(null, null, [new("dict_type", place, "Input should be a valid dictionary", null)]);
        var reader = new GenroReader(item, place, mistakes);
        var id = reader.Text("id", required: true);
        var named = reader.Text("tenant_id", required: tenant is null) ?? tenant;
        var account = reader.Text("account_id", required: true);
        var from = reader.Text("from") ?? reader.Text("from_addr", required: false);
        if (from is null && mistakes.TrueForAll(static one => one.Place[^1] is not ("from" or "from_addr")))
            mistakes.Add(GenroMistake.Missing([.. place, "from"]));
        var draft = new MessageDraft(reader, id ?? "", account ?? "", from ?? "", usual, notation ?? DraftNotation.Usual);
        var json = draft.Write();
        if (mistakes.Count > 0)
            return Bad(id, named, mistakes);
        var reason = Missing(("id", id), ("tenant_id", named), ("account_id", account), ("from", from));
        reason ??= draft.HasRecipient ? null : "missing to";
        if (reason is null && !IdSyntax.IsMessageId(id))
            reason = $"invalid id: {IdSyntax.MessageRule}";
        return reason is null ? new(id, named, json) { Account = account! } : new(id, named, null) { Reason = reason };
    }

    private static string? Missing(params ReadOnlySpan<(string Name, string? Value)> members)
    {
        foreach (var (name, value) in members)
        {
            if (string.IsNullOrWhiteSpace(value))
                return "missing " + name;
        }

        return null;
    }

    private static GenroMessage Bad(string? id, string? tenant, IReadOnlyList<GenroMistake> mistakes)
    {
        var first = mistakes[0];
        var member = string.Join('.', first.Place.Skip(3));
        var isMissing = first is { Type: "missing" } or { Type: "string_too_short", Place: [.., "subject"] };
        return new(id, tenant, null)
        {
            Reason = isMissing ? "missing " + member : $"invalid {(member.Length == 0 ? "message" : member)}: {first.Message}",
            Mistakes = mistakes,
        };
    }
}
