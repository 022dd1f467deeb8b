using System.Globalization;

namespace MailProxy.Pipeline.Profiles;

/// <summary>A profile as it is written.</summary>
/// <param name="Name">The file's name; without <c>.json</c> it is the profile's.</param>
/// <param name="Shipped">It comes with the program, and its patterns are known to be right.</param>
internal sealed record ProfileFile(string Name, ReadOnlyMemory<byte> Json, bool Shipped = false);

/// <summary>Reads the operator's directory of profiles.</summary>
internal static class ProfileFiles
{
    private const int MostFiles = 200;
    private const int MostBytes = 1024 * 1024;

    /// <summary>The files <c>*.json</c>, by name; and what cannot be read.</summary>
    public static (IReadOnlyList<ProfileFile> Files, IReadOnlyList<string> Mistakes) In(string directory)
    {
        try
        {
            var paths = Directory.GetFiles(directory, "*.json").Order(StringComparer.Ordinal).ToArray();
            if (paths.Length > MostFiles)
                return ([], [$"{directory} has {paths.Length} files *.json; at most {MostFiles} profiles are read. Move the others away."]);
            var files = new List<ProfileFile>();
            var mistakes = new List<string>();
            foreach (var path in paths)
            {
                var (file, mistake) = Read(path);
                if (file is not null)
                    files.Add(file);
                else
                    mistakes.Add($"{Path.GetFileName(path)}: {mistake}");
            }

            return (files, mistakes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return (
                [],
                [$"The directory {directory} cannot be read: {error.Message} Make it, let the daemon read it, or clear the setting."]
            );
        }
    }

    private static (ProfileFile? File, string? Mistake) Read(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (stream.Length > MostBytes)
            {
                var size = stream.Length.ToString(CultureInfo.InvariantCulture);
                return (null, $"has {size} bytes; a profile has at most {MostBytes}. Split it, one family of hosts a file.");
            }

            var octets = new byte[stream.Length];
            stream.ReadExactly(octets);
            return (new(Path.GetFileName(path), octets), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return (null, $"cannot be read: {error.Message} Let the daemon read it, or move it away.");
        }
    }
}
