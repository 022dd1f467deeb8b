using System.Text;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Flow;

/// <summary>The spool file that has the octets of a stored draft's long strings.</summary>
/// <param name="Path">Absolute path of the file.</param>
/// <param name="Nonce">What a reference to it begins with.</param>
/// <param name="Size">Bytes of the octets.</param>
public sealed record SpooledBody(string Path, string Nonce, long Size)
{
    /// <summary>Where a string's octets are; null: the string is the client's own.</summary>
    /// <exception cref="FormatException">It names no octets of the file.</exception>
    public SpooledRef? Find(string? text) =>
        SpooledRef.Read(text, Nonce) is not { } found ? null
        : found.Offset <= Size && found.Length <= Size - found.Offset && found.Head <= found.Length ? found
        : throw new FormatException("A reference to the message's spool file leads beyond its end.");

    /// <summary>The string itself, when it is a text.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public string? Text(string? text) => Find(text) is { } place ? Encoding.UTF8.GetString(Read(place.Offset, place.Length)) : text;

    /// <exception cref="IOException">The file cannot be read.</exception>
    public byte[] Read(long offset, long length)
    {
        var octets = new byte[length];
        using var file = File.OpenHandle(Path);
        for (var read = 0; read < octets.Length; )
        {
            var some = RandomAccess.Read(file, octets.AsSpan(read), offset + read);
            if (some == 0)
                throw new EndOfStreamException("A spool file is shorter than it was.");
            read += some;
        }

        return octets;
    }
}
