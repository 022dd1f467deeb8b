using MimeKit;

namespace MailProxy.Daemon.Sandbox;

/// <summary>One mail as the sandbox took it.</summary>
/// <param name="Id">Counts from 1 in the order of arrival; does not survive a restart.</param>
/// <param name="From">RFC 5321 reverse-path; "" is the null reverse-path.</param>
/// <param name="Recipients">The recipients that were accepted, in RCPT order.</param>
/// <param name="Raw">The mail as it came, dots unstuffed, nothing added.</param>
internal sealed record SandboxMail(
    long Id,
    DateTimeOffset ReceivedAt,
    string From,
    IReadOnlyList<string> Recipients,
    ReadOnlyMemory<byte> Raw
)
{
    public int Size => Raw.Length;

    /// <summary>The Subject, decoded; null when there is none. Read when asked for: nobody looks at most mails.</summary>
    public string? Subject => Header("Subject");

    /// <summary>A header's value, unfolded and decoded; null when it is absent or the mail has no header that can be read.</summary>
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
