using System.Net;

namespace MailProxy.Pipeline.Resolve;

/// <summary>What is to be done about a source that gives no content.</summary>
internal enum SourceFault
{
    /// <summary>There is no such content: the message fails at once.</summary>
    Gone,

    /// <summary>It may not be fetched, or is not what was claimed: the message fails at once.</summary>
    Refused,

    /// <summary>It may come back: the message waits.</summary>
    Down,
}

/// <summary>A source gave no content.</summary>
/// <param name="message">Names the source; safe to show: no credentials, no query, no text of the source's own.</param>
internal sealed class SourceException(SourceFault fault, string message, Exception? inner = null) : Exception(message, inner)
{
    public SourceFault Fault { get; } = fault;

    /// <summary>The enhanced status (RFC 3463) of a message that fails for it.</summary>
    public string Status { get; init; } = fault == SourceFault.Refused ? "5.7.1" : "5.6.0";

    /// <summary>The source's HTTP status, when it answered.</summary>
    public HttpStatusCode? Answered { get; init; }

    /// <summary>The network policy does not let us there, or the name is not known: which of the two is not told.</summary>
    public bool NotAllowed { get; init; }

    /// <summary>An S3 store's own code (<c>NoSuchKey</c>), when it gave one.</summary>
    public string? AnsweredCode { get; init; }

    /// <summary>When the source said it may be asked again, if it did.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The message without the place at its beginning.</summary>
    public string Without(object place)
    {
        var begins = $"{place}: ";
        if (!Message.StartsWith(begins, StringComparison.Ordinal) || Message.Length == begins.Length)
            return Message;
        return char.ToUpperInvariant(Message[begins.Length]) + Message[(begins.Length + 1)..];
    }

    /// <summary>5.3.4: message too big for system.</summary>
    public static SourceException TooLarge(object place, long cap) =>
        new(SourceFault.Refused, $"{place}: larger than the {cap} bytes that an attachment may have.") { Status = "5.3.4" };
}
