using System.Runtime.CompilerServices;

namespace MailProxy.Tests.Support;

/// <summary>Files of the repository that are not part of any build output.</summary>
internal static class Repository
{
    /// <summary>The directory of MailProxy.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <param name="path">Relative to <see cref="Root"/>.</param>
    public static string File(string path) => Path.Combine(Root, path);

    /// <summary>The C# files below a directory, without build output.</summary>
    public static IEnumerable<string> Sources(string directory) =>
        Directory
            .EnumerateFiles(File(directory), "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(Root, file).Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"));

    private static string FindRoot([CallerFilePath] string thisFile = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(thisFile)!, "..", ".."));
}
