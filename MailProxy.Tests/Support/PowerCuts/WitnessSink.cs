namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>
/// The SMTP server of all lives of a store: tells the witness of the present one what it reads, and misbehaves on purpose.
/// </summary>
internal sealed class WitnessSink : IAsyncDisposable
{
    private readonly ScriptedSmtpServer _server;
    private readonly Func<double> _chance;

    /// <param name="chance">Decides on each fault; one that gives 1 and more makes none.</param>
    public WitnessSink(Func<double> chance)
    {
        _chance = chance;
        _server = new(Say) { KeepsRecord = false };
    }

    public int Port => _server.Port;

    /// <summary>The witness of the life that sends now.</summary>
    public Witness? Witness { get; set; }

    /// <summary>Faults are made while this is true.</summary>
    public bool Misbehaves { get; set; }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private Said? Say(Heard heard)
    {
        switch (heard.Verb)
        {
            case "RCPT":
                Witness?.Envelope(PowerMail.IdOf(heard.Mail.Recipients[^1]), heard.Connection);
                return Fault(0.01) ? "451 4.7.1 try again" : null;
            case "DATA" when heard.Mail.Accepted.Count == 0:
                return "554 5.5.1 no valid recipients";
            case "DOT":
                Witness?.Dot(PowerMail.IdOf(heard.Mail.Accepted[0]), heard.Connection);
                return Fault(0.005) ? new("", SaidThen.Close) : null;
            default:
                return null;
        }
    }

    private bool Fault(double probability) => Misbehaves && _chance() < probability;
}
