namespace MailProxy.Pipeline.Send;

/// <summary>
/// A file, or a part of one, that goes out in the middle of a rendered mail, as base64 lines or as it is; it is read while it is sent, and
/// never lies in memory.
/// </summary>
/// <param name="At">Where in the rendered octets it belongs; always behind a line end.</param>
/// <param name="Offset">Where in the file it begins.</param>
/// <param name="Size">Its length in bytes, before encoding.</param>
/// <param name="Plain">Not encoded: it is lines of the wire already.</param>
internal readonly record struct FileInsert(int At, string Path, long Offset, long Size, bool Plain)
{
    /// <summary>Octets on the wire.</summary>
    public long Length => Plain ? Size : Base64Lines.LengthOf(Size);
}
