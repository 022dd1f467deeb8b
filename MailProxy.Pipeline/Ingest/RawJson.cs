using System.Buffers.Text;
using System.Text.Json;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Replaces the octets of <c>raw</c> in a draft's JSON; every other member stays as it was written.</summary>
internal static class RawJson
{
    public static byte[] With(ReadOnlySpan<byte> json, ReadOnlySpan<byte> octets)
    {
        var (from, to) = Find(json);
        var replaced = new byte[checked(from + 2 + Base64.GetMaxEncodedToUtf8Length(octets.Length) + json.Length - to)];
        json[..from].CopyTo(replaced);
        replaced[from] = (byte)'"';
        Base64.EncodeToUtf8(octets, replaced.AsSpan(from + 1), out _, out var written);
        replaced[from + 1 + written] = (byte)'"';
        json[to..].CopyTo(replaced.AsSpan(from + 2 + written));
        return replaced;
    }

    private static (int From, int To) Find(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals("raw"u8);
            reader.Read();
            if (found)
                return ((int)reader.TokenStartIndex, (int)reader.BytesConsumed);
            reader.Skip();
        }

        throw new InvalidOperationException("The draft has no raw.");
    }
}
