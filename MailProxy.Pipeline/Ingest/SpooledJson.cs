using System.Buffers;
using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>The JSON of a draft as it is stored: where its long strings are in the file stands in their place.</summary>
internal static class SpooledJson
{
    public static ReadOnlyMemory<byte> Of(ReadOnlySpan<byte> json, SpooledStrings spooled)
    {
        var stored = new ArrayBufferWriter<byte>(json.Length + (64 * spooled.All.Count));
        for (var i = 0; i < spooled.All.Count; i++)
        {
            var name = Encoding.ASCII.GetBytes($"\"{spooled.Name(i)}\"");
            var at = json.IndexOf(name);
            stored.Write(json[..at]);
            var place =
                spooled.All[i].Stored ?? throw new InvalidOperationException("A long string was accepted and not made ready to be sent.");
            stored.Write(Encoding.ASCII.GetBytes($"\"{place.ToText(spooled.File.Nonce)}\""));
            json = json[(at + name.Length)..];
        }

        stored.Write(json);
        return stored.WrittenMemory;
    }
}
