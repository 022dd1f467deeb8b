namespace MailProxy.Benchmarks.Support;

/// <summary>Where the sources stand: results are written there, and the daemon is published from there.</summary>
internal static class Checkout
{
    public static string Root()
    {
        foreach (var start in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory })
        {
            for (var directory = new DirectoryInfo(start); directory is not null; directory = directory.Parent)
            {
                if (File.Exists(Path.Combine(directory.FullName, "MailProxy.sln")))
                    return directory.FullName;
            }
        }

        throw new DirectoryNotFoundException("Run this inside a checkout of MailProxy.");
    }
}
