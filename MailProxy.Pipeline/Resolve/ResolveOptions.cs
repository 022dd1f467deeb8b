using System.ComponentModel.DataAnnotations;

namespace MailProxy.Pipeline.Resolve;

/// <summary>How mail is loaded before it is sent.</summary>
public sealed class ResolveOptions
{
    /// <summary>Mails loaded at the same time, 1 to 64; default 4. Each is one read of the store.</summary>
    [Range(1, 64)]
    public int Workers { get; set; } = 4;
}
