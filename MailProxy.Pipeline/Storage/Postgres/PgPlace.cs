using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// The name of a data directory, which one process has by its lock: whoever comes with the same name comes after it, and takes over at once
/// what it left.
/// </summary>
internal static class PgPlace
{
    public const string FileName = "store.place";

    /// <summary>Throws <see cref="StoreRefusedException"/> when it can be neither read nor made.</summary>
    public static string NameOf(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, FileName);
        try
        {
            if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 0 } known)
                return known;
            var name = Guid.CreateVersion7().ToString();
            PrivateFiles.Write(path, System.Text.Encoding.ASCII.GetBytes(name));
            return name;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"The file '{path}' cannot be read or made: {error.Message}", error);
        }
    }
}
