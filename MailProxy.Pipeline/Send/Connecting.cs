namespace MailProxy.Pipeline.Send;

/// <summary>A connection that is being opened while an account has none: why its mail waits.</summary>
public sealed class Connecting
{
    private readonly ServerName _server;
    private readonly SmtpPhase _phase;

    internal Connecting(ServerName server, DateTimeOffset since, SmtpPhase phase) => (_server, Since, _phase) = (server, since, phase);

    public DateTimeOffset Since { get; }

    /// <summary>Where to, since when, how far it came, and what to try when that lasts.</summary>
    public override string ToString() =>
        $"connecting to {_server} since {Since.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'} ({Words()}).{_server.Hint(_phase)}";

    private string Words() =>
        _phase switch
        {
            SmtpPhase.Connect => "it has not answered yet",
            SmtpPhase.Handshake => "in the TLS handshake",
            SmtpPhase.Greeting => "it has not greeted yet",
            SmtpPhase.Hello => "it has not answered EHLO yet",
            SmtpPhase.StartTls => "it has not answered STARTTLS yet",
            SmtpPhase.Authenticate => "it has not answered the log-in yet",
            _ => "almost there",
        };
}
