using System.Collections.Concurrent;
using MailProxy.Tests.Support;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>An SMTP server that remembers every mail it took, by its X-Mail-Key, and misbehaves on purpose.</summary>
internal sealed class RecordingSink : IAsyncDisposable
{
    private readonly ScriptedSmtpServer _server;
    private readonly Func<double> _chance;
    private int _droppedAfterDot;

    public RecordingSink(Func<double> chance)
    {
        _chance = chance;
        _server = new(Say) { KeepsRecord = false };
    }

    public int Port => _server.Port;

    /// <summary>How often each message was taken: its whole body was here and it was, or would have been, answered with 250.</summary>
    public ConcurrentDictionary<string, int> Taken { get; } = [];

    /// <summary>The keys of mail that it took without an answer, so that nobody could know.</summary>
    public ConcurrentDictionary<string, byte> Unanswered { get; } = [];

    /// <summary>Told the key of each mail that it takes.</summary>
    public Action<string>? OnTaken { get; init; }

    /// <summary>Faults are injected while this is true; the drain turns them off.</summary>
    public bool Misbehaves { get; set; } = true;

    public int DroppedAfterDot => Volatile.Read(ref _droppedAfterDot);

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private Said? Say(Heard heard)
    {
        switch (heard.Verb)
        {
            case "MAIL" when Fault(0.001):
                return new("421 4.3.2 going down\r\n", SaidThen.Close);
            case "RCPT" when Fault(0.01):
                return "451 4.7.1 try again in 1 second";
            case "DATA" when heard.Mail.Accepted.Count == 0:
                return "554 5.5.1 no valid recipients";
            case "DOT":
                return Take(heard.Mail);
            default:
                return null;
        }
    }

    private Said? Take(ReceivedMail mail)
    {
        Taken.AddOrUpdate(mail.Key ?? "?", 1, static (_, times) => times + 1);
        OnTaken?.Invoke(mail.Key ?? "?");
        if (!Fault(0.005))
            return null;
        Unanswered[mail.Key ?? "?"] = 0;
        Interlocked.Increment(ref _droppedAfterDot);
        return new("", SaidThen.Close);
    }

    private bool Fault(double probability) => Misbehaves && _chance() < probability;
}
