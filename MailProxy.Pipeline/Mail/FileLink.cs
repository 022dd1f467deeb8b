namespace MailProxy.Pipeline.Mail;

/// <summary>A link that stands in a message instead of an attachment.</summary>
/// <param name="Index">The attachment's place in the message's list, from 0; it is left out.</param>
/// <param name="Size">Bytes.</param>
/// <param name="ExpiresAt">Unix milliseconds: the link works until then.</param>
public sealed record FileLink(int Index, string Name, long Size, string Url, long ExpiresAt)
{
    // Whoever has the address has the file, so it has no place in a log.
    public override string ToString() => $"link {Index}";
}
