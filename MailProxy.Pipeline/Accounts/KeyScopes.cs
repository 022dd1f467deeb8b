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

/// <summary>The contract's words for <see cref="KeyScopes"/>.</summary>
public static class KeyScopeNames
{
    public static readonly Names<KeyScopes> All = new(("send", KeyScopes.Send), ("read", KeyScopes.Read), ("manage", KeyScopes.Manage));

    public static IReadOnlyList<string> Names(this KeyScopes scopes) =>
        [.. All.Where(known => scopes.HasFlag(known.Value)).Select(known => known.Name)];
}
