namespace MailProxy.Pipeline.Accounts;

/// <summary>The contract's words for <see cref="LargeFileAction"/>.</summary>
public static class LargeFileActions
{
    public static readonly IReadOnlyList<(string Name, LargeFileAction Value)> Names =
    [
        ("warn", LargeFileAction.Warn),
        ("reject", LargeFileAction.Reject),
        ("link", LargeFileAction.Link),
    ];

    public static string Name(this LargeFileAction action) => Names.First(known => known.Value == action).Name;

    public static LargeFileAction? Parse(string name)
    {
        foreach (var known in Names)
        {
            if (known.Name == name)
                return known.Value;
        }

        return null;
    }
}
