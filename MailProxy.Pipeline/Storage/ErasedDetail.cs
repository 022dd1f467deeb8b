using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Storage;

/// <summary>Takes an address out of an event's stored detail. Pure.</summary>
internal static class ErasedDetail
{
    /// <summary>Stands where an address was; can be nobody's (RFC 6761: <c>invalid</c>).</summary>
    public const string Address = "erased@erased.invalid";

    /// <summary>The detail without the address: null when it does not name it.</summary>
    public static byte[]? Of(ReadOnlySpan<byte> detail, string address)
    {
        if (!Encoding.UTF8.GetString(detail).Contains(Local(address), StringComparison.OrdinalIgnoreCase)) return null;
        var json = JsonNode.Parse((byte[])[(byte)'{', .. detail, (byte)'}'])!;
        return Clean(json, address) ? JsonSerializer.SerializeToUtf8Bytes(json, StoredJson.Default.JsonNode)[1..^1] : null;
    }

    // Escapes differ between the ways that details were written; the part before @ seldom has any.
    private static string Local(string address) => address[..address.LastIndexOf('@')] is var local && Ascii.IsValid(local) && local.All(char.IsLetterOrDigit) ? local : "";

    private static bool Clean(JsonNode node, string address)
    {
        var changed = false;
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members.ToArray())
                {
                    if (Cleaned(value, address) is { } clean)
                    {
                        members[name] = clean;
                        changed = true;
                    }
                    else if (value is not null)
                    {
                        changed |= Clean(value, address);
                    }
                }

                break;
            case JsonArray list:
                foreach (var item in list.OfType<JsonNode>()) changed |= Clean(item, address);
                break;
        }

        return changed;
    }

    private static JsonNode? Cleaned(JsonNode? value, string address)
    {
        if (value is not JsonValue leaf || !leaf.TryGetValue<string>(out var text)) return null;
        return text.Contains(address, StringComparison.OrdinalIgnoreCase) ? JsonValue.Create(text.Replace(address, Address, StringComparison.OrdinalIgnoreCase)) : null;
    }
}
