using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Resolve;

/// <summary>How mail is loaded before it is sent.</summary>
public sealed class ResolveOptions
{
    /// <summary>Mails loaded at the same time, 1 to 64; default 4. Each is one read of the store.</summary>
    [Range(1, 64)]
    public int Workers { get; set; } = 4;

    /// <summary>Bytes of bodies held in memory between Resolve and the end of an attempt; a larger one goes alone. Default 64 MB.</summary>
    [Range(1_024, 17_179_869_184)]
    public long BodyBytes { get; set; } = 64 * 1024 * 1024;
}
