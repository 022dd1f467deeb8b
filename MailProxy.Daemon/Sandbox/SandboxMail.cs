using MimeKit;

namespace MailProxy.Daemon.Sandbox;

/// <summary>One mail as the sandbox received it.</summary>
/// <param name="Id">Counts from 1 in order of arrival; starts over at a restart.</param>
/// <param name="From">RFC 5321 reverse-path; "" is the null reverse-path.</param>
/// <param name="Recipients">The recipients that were accepted, in RCPT order.</param>
/// <param name="Raw">The mail as received, with dots unstuffed and nothing added.</param>
internal sealed record SandboxMail(
    long Id,
    DateTimeOffset ReceivedAt,
    string From,
    IReadOnlyList<string> Recipients,
    ReadOnlyMemory<byte> Raw
)
{
    public int Size => Raw.Length;

    /// <summary>The decoded Subject; null when there is none. Parsed only when asked for, because most mails are never looked
    /// at.</summary>
    public string? Subject => Header("Subject");

    /// <summary>A header's value, unfolded and decoded; null when it is absent, or when the header section cannot be parsed.</summary>
    public string? Header(string name)
    {
        var end = Raw.Span.IndexOf("\r\n\r\n"u8);
        using var head = new MemoryStream((end < 0 ? Raw : Raw[..(end + 4)]).ToArray(), writable: false);
        try
        {
            return HeaderList.Load(head)[name]?.Trim();
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
