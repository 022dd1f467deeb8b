using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Report;

/// <summary>The events of a part of the log that wait until their endpoint has acknowledged them.</summary>
internal interface IEventQueue
{
    /// <summary>The position up to which the log has been read.</summary>
    long Read { get; }

    /// <summary>Whether there is capacity to read ahead.</summary>
    bool HasCapacity { get; }

    /// <summary>Whether no event waits.</summary>
    bool IsEmpty { get; }

    void Add(IEnumerable<MailEvent> wanted, long through);
}
