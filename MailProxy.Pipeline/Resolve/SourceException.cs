using System.Net;

namespace MailProxy.Pipeline.Resolve;

/// <summary>How a mail reacts to a source that gives no content.</summary>
internal enum SourceFault
{
    /// <summary>The content does not exist: the message fails permanently.</summary>
    Gone,

    /// <summary>The content may not be fetched, or is not what was claimed: the message fails permanently.</summary>
    Refused,

    /// <summary>The error may pass: the message is deferred.</summary>
    Down,
}

/// <summary>A source gave no content.</summary>
/// <param name="message">Names the source. Contains nothing secret: no credentials, no query, no text that the source sent.</param>
internal sealed class SourceException(SourceFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public SourceFault Fault { get; } = fault;

    /// <summary>The enhanced status (RFC 3463) of a message that fails because of it.</summary>
    public string Status { get; init; } = fault == SourceFault.Refused ? "5.7.1" : "5.6.0";

    /// <summary>The source's HTTP status, when it answered.</summary>
    public HttpStatusCode? Answered { get; init; }

    /// <summary>The network policy forbids the address, or the name cannot be resolved; the message does not reveal which.</summary>
    public bool NotAllowed { get; init; }

    /// <summary>An S3 store's error code (such as <c>NoSuchKey</c>), when it gave one.</summary>
    public string? AnsweredCode { get; init; }

    /// <summary>The wait that the source asked for, if any.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The message without the source's name at its beginning.</summary>
    public string Without(object source)
    {
        var begins = $"{source}: ";
        if (!Message.StartsWith(begins, StringComparison.Ordinal) || Message.Length == begins.Length)
            return Message;
        return char.ToUpperInvariant(Message[begins.Length]) + Message[(begins.Length + 1)..];
    }

    /// <summary>5.3.4: message too big for system.</summary>
    public static SourceException TooLarge(object source, long cap) =>
        new(SourceFault.Refused, $"{source}: larger than the {cap} bytes that an attachment may have.") { Status = "5.3.4" };
}
