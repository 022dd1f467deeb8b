namespace MailProxy.Pipeline.Accounts;

/// <summary>The contract's words for <see cref="LargeFileAction"/>.</summary>
public static class LargeFileActions
{
    public static readonly Names<LargeFileAction> Names = new(
        ("warn", LargeFileAction.Warn),
        ("reject", LargeFileAction.Reject),
        ("link", LargeFileAction.Link)
    );
}
