namespace MailProxy.Pipeline.Accounts;

/// <summary>What a tenant's key may do; the numbers are stored.</summary>
[Flags]
public enum KeyScopes : byte
{
    None = 0,

    /// <summary>Submit messages, and act on them: cancel, retry, hold, release, reschedule.</summary>
    Send = 1,

    /// <summary>Read everything of the tenant.</summary>
    Read = 2,

    /// <summary>Change what is configured in the tenant.</summary>
    Manage = 4,
}
