namespace MailProxy.Tests.Support;

/// <summary>Files of the repository that are not part of any build output.</summary>
internal static class Repository
{
    /// <param name="path">Relative to the directory of MailProxy.sln.</param>
    public static string File(string path)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !System.IO.File.Exists(Path.Combine(directory.FullName, "MailProxy.sln"))) directory = directory.Parent;
        return Path.Combine(directory?.FullName ?? throw new DirectoryNotFoundException("The tests do not run below their repository"), path);
    }
}
