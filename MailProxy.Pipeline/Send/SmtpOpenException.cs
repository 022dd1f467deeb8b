using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send;

/// <summary>No connection could be had: where it failed, and the server's reply if there was one.</summary>
internal sealed class SmtpOpenException(SmtpPhase phase, SmtpReply? reply, bool timedOut, string message, Exception? inner = null)
    : Exception(message, inner)
{
    private OpeningTranscript? _transcript;

    public SmtpPhase Phase { get; } = phase;
    public SmtpReply? Reply { get; } = reply;
    public bool TimedOut { get; } = timedOut;

    /// <summary>What is wrong, when phase and reply do not tell.</summary>
    public TroubleKind? Kind { get; init; }

    /// <summary>A delay that whoever refused named.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What a person should look at, behind the server's words.</summary>
    public string? Remedy { get; set; }

    /// <summary>The TLS version, when the connection was already protected.</summary>
    public string? Tls { get; set; }

    /// <summary>What was said until then.</summary>
    public OpeningTranscript? Transcript
    {
        set => _transcript = value;
    }

    /// <summary>What was said until then, for the first who asks.</summary>
    public OpeningTranscript? TakeTranscript() => Interlocked.Exchange(ref _transcript, null);

    /// <summary>The same without what a server said of our credentials.</summary>
    public SmtpOpenException Conceal(Transcript transcript)
    {
        var shown = transcript.Conceal(Message);
        if (shown == Message)
            return this;
        return new(Phase, Reply is null ? null : Reply with { Text = shown }, TimedOut, shown, InnerException)
        {
            Kind = Kind,
            RetryAfter = RetryAfter,
            Remedy = Remedy,
        };
    }

    /// <summary>What the server had offered by then.</summary>
    public IReadOnlyList<string> Offered { get; set; } = [];
}
