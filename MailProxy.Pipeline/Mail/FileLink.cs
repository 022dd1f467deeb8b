namespace MailProxy.Pipeline.Mail;

/// <summary>A link that replaces an attachment in a message.</summary>
/// <param name="Index">The index, from 0, of the attachment in the message's list; it is left out.</param>
/// <param name="Size">Bytes.</param>
/// <param name="ExpiresAt">Unix milliseconds until which the link works.</param>
public sealed record FileLink(int Index, string Name, long Size, string Url, long ExpiresAt)
{
    // Anybody who has the address can get the file, so it must not appear in a log.
    public override string ToString() => $"link {Index}";
}
