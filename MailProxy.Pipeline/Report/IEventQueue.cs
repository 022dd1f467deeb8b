using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>Where the events of a stretch of the log wait until their endpoint has acknowledged them.</summary>
internal interface IEventQueue
{
    /// <summary>Everything up to here was read from the log.</summary>
    long Read { get; }

    /// <summary>There is capacity to read ahead.</summary>
    bool HasCapacity { get; }

    /// <summary>Nothing waits.</summary>
    bool IsEmpty { get; }

    void Add(IEnumerable<MailEvent> wanted, long through);
}
