namespace MailProxy.Tests.Send.Servers;

/// <summary>Where to send, and from whom to whom, so that a server plays a part.</summary>
internal sealed record Stage(int Port, string Sender, string Recipient);

/// <summary>
/// A server that somebody else wrote (or, the sandbox, for other purposes), made to say a reply at a phase as far as it can be.
/// </summary>
internal abstract class PlayingServer : IAsyncDisposable
{
    /// <summary>Instead of a reply: it hangs up.</summary>
    public const string Drop = "drop";

    public const string Ordinary = "ordinary";

    /// <param name="phase">CONNECT, EHLO, MAIL, RCPT, DATA, DOT; for the ordinary course any.</param>
    /// <param name="reply">A code, <see cref="Drop"/> or <see cref="Ordinary"/>.</param>
    public abstract Task<Stage> PlayAsync(string phase, string reply);

    public abstract ValueTask DisposeAsync();

    public static PlayingServer Named(string name) =>
        name switch
        {
            "sandbox" => new PlayingSandbox(),
            "smtp-sink" => new PlayingSink(),
            "postfix" => new PlayingPostfix(),
            "aiosmtpd" => new PlayingAiosmtpd(),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
        };
}
