namespace MailProxy.Pipeline.Send;

/// <summary>
/// A file that goes out in the middle of a rendered mail, as base64 lines; it is read while it is sent, and never lies in memory.
/// </summary>
/// <param name="At">Where in the rendered octets it belongs; always behind a line end.</param>
/// <param name="Size">Its length in bytes, before encoding.</param>
internal readonly record struct FileInsert(int At, string Path, long Size)
{
    /// <summary>Octets on the wire.</summary>
    public long Length => Base64Lines.LengthOf(Size);
}
