using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MailProxy.Pipeline.Storage;

/// <summary>Removes an address from an event's stored detail. Pure.</summary>
internal static class ErasedDetail
{
    /// <summary>Replaces the erased address; it can belong to nobody (RFC 6761: <c>invalid</c>).</summary>
    public const string Address = "erased@erased.invalid";

    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The detail without the address; null when the detail does not contain it.</summary>
    public static byte[]? Of(ReadOnlySpan<byte> detail, string address)
    {
        var json = JsonNode.Parse((byte[])[(byte)'{', .. detail, (byte)'}'])!;
        if (!Clean(json, address))
            return null;
        var buffer = new ArrayBufferWriter<byte>(detail.Length);
        using (var writer = new Utf8JsonWriter(buffer, Plain))
            json.WriteTo(writer);
        return buffer.WrittenSpan[1..^1].ToArray();
    }

    /// <summary>Whether a text contains the address, and not only a longer address that ends or begins with it.</summary>
    public static bool Names(string text, string address) => Find(text, address, 0) >= 0;

    private static bool Clean(JsonNode node, string address)
    {
        var changed = false;
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members.ToArray())
                {
                    if (value is JsonValue leaf && leaf.TryGetValue<string>(out var text))
                    {
                        if (!Names(text, address))
                            continue;
                        members[name] = Without(text, address);
                        changed = true;
                    }
                    else if (value is not null)
                    {
                        changed |= Clean(value, address);
                    }
                }

                break;
            case JsonArray list:
                foreach (var item in list.OfType<JsonNode>())
                    changed |= Clean(item, address);
                break;
        }

        return changed;
    }

    private static string Without(string text, string address)
    {
        var clean = new StringBuilder();
        var from = 0;
        for (var at = Find(text, address, 0); at >= 0; at = Find(text, address, from))
        {
            clean.Append(text, from, at - from).Append(Address);
            from = at + address.Length;
        }

        return clean.Append(text, from, text.Length - from).ToString();
    }

    private static int Find(string text, string address, int from)
    {
        while (from < text.Length && text.IndexOf(address, from, StringComparison.OrdinalIgnoreCase) is var at and >= 0)
        {
            var end = at + address.Length;
            var longer = (at > 0 && IsOfLocalPart(text[at - 1])) || (end < text.Length && IsOfDomain(text, end));
            if (!longer)
                return at;
            from = at + 1;
        }

        return -1;
    }

    private static bool IsOfLocalPart(char c) => char.IsLetterOrDigit(c) || ".!#$%&'*+-/=?^_`{|}~".Contains(c, StringComparison.Ordinal);

    // A dot at the end of a sentence does not belong to the domain.
    private static bool IsOfDomain(string text, int at) =>
        char.IsLetterOrDigit(text[at])
        || text[at] == '-'
        || (text[at] == '.' && at + 1 < text.Length && char.IsLetterOrDigit(text[at + 1]));
}
