using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Schedule;

/// <summary>How much the scheduler keeps in memory.</summary>
public sealed class ScheduleOptions
{
    /// <summary>Tickets in memory, all accounts together; what does not fit waits on disk. A tenant has its share.</summary>
    [Range(16, 1_000_000)]
    public int Window { get; set; } = 10_000;

    /// <summary>Mails between the scheduler and their outcome; a tenant has its share, and one account may have a quarter.</summary>
    [Range(4, 10_000)]
    public int InFlight { get; set; } = 256;

    /// <summary>Tickets that one look at the disk takes.</summary>
    [Range(1, 10_000)]
    public int Page { get; set; } = 500;

    /// <summary>Messages that one transaction expires.</summary>
    [Range(1, 10_000)]
    public int ExpiryChunk { get; set; } = 256;
}
