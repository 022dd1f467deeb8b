using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Api;

/// <summary>What the HTTP edge allows. Section <c>Api</c>.</summary>
public sealed class ApiOptions
{
    /// <summary>Bytes of request bodies held in memory at once; more wait at the door. Default 64 MB.</summary>
    [Range(1L << 20, 1L << 34)]
    public long BodyBudgetBytes { get; set; } = 64L << 20;

    /// <summary>Seconds a request waits for memory and for the door together, before 503. Default 2.</summary>
    [Range(0.0, 60.0)]
    public double DoorPatienceSeconds { get; set; } = 2;

    /// <summary>Seconds a submission waits to be taken by the store's writer, before it is withdrawn with 503. Default 10.</summary>
    [Range(0.1, 300.0)]
    public double TakePatienceSeconds { get; set; } = 10;

    /// <summary>Free bytes on the data directory's disk below which nothing new is accepted (503 <c>disk_low</c>). Default 256 MB.</summary>
    [Range(0L, long.MaxValue)]
    public long DiskFloorBytes { get; set; } = 256L << 20;

    /// <summary>Messages that an NDJSON body commits at once. Default 256.</summary>
    [Range(1, 10_000)]
    public int NdjsonChunkMessages { get; set; } = 256;

    /// <summary>Bytes that an NDJSON body commits at once. Default 4 MB.</summary>
    [Range(1L << 10, 1L << 28)]
    public long NdjsonChunkBytes { get; set; } = 4L << 20;

    /// <summary>Largest body of a configuration request, in bytes. Default 256 KB.</summary>
    [Range(1 << 10, 1 << 26)]
    public int MaxConfigurationBytes { get; set; } = 256 << 10;
}
