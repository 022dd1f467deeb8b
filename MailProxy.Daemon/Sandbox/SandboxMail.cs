using MimeKit;
using MimeKit.Utils;

namespace MailProxy.Daemon.Sandbox;

/// <summary>One mail as the sandbox took it.</summary>
/// <param name="Id">Counts from 1 in the order of arrival; does not survive a restart.</param>
/// <param name="From">RFC 5321 reverse-path; "" is the null reverse-path.</param>
/// <param name="Recipients">The recipients that were accepted, in RCPT order.</param>
/// <param name="Raw">The mail as it came, dots unstuffed, nothing added.</param>
internal sealed record SandboxMail(long Id, DateTimeOffset ReceivedAt, string From, IReadOnlyList<string> Recipients, ReadOnlyMemory<byte> Raw)
{
    public int Size => Raw.Length;

    /// <summary>The decoded Subject header, or null. Read when asked for: nobody looks at most mails.</summary>
    public string? Subject => Header(HeaderId.Subject);

    /// <summary>The decoded value of a header, unfolded; null when absent.</summary>
    public string? Header(HeaderId id)
    {
        var value = Headers()[id];
        return value is null ? null : Rfc2047.DecodeText(System.Text.Encoding.UTF8.GetBytes(value)).Trim();
    }

    /// <summary>The value of a header; null when absent.</summary>
    public string? Header(string name) => Headers()[name];

    private HeaderList Headers()
    {
        using var stream = new MemoryStream(Raw.ToArray(), writable: false);
        return HeaderList.Load(stream);
    }
}
