using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Daemon.Api;

/// <summary>The installation's admin key. Only its SHA-256 is kept in memory, and it is compared in constant time.</summary>
public sealed partial class AdminKey
{
    /// <summary>Characters that a key has at least, blanks at its ends not counted.</summary>
    public const int LeastLength = 16;

    private const string FileName = "admin.key";

    private byte[] _hash;

    public AdminKey(string key)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        _hash = TenantKey.HashOf(key);
    }

    public bool Matches(string offered) => Matches(TenantKey.HashOf(offered));

    /// <param name="hash">SHA-256 of what was offered.</param>
    internal bool Matches(ReadOnlySpan<byte> hash) => CryptographicOperations.FixedTimeEquals(hash, Volatile.Read(ref _hash));

    /// <summary>From the next request on this key counts, and the one before does not.</summary>
    internal void ReplaceBy(AdminKey other) => Volatile.Write(ref _hash, Volatile.Read(ref other._hash));

    /// <summary>
    /// The configured key, or the one in the data directory, made (mode 0600) at the first start. The log says where, never what.
    /// </summary>
    public static AdminKey Open(string? configured, string dataDirectory, ILogger logger)
    {
        if (!string.IsNullOrWhiteSpace(configured))
            return new(configured.Trim());

        var path = Path.Combine(dataDirectory, FileName);
        try
        {
            return new(ReadOrMake(path, logger));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            var why = Directory.Exists(path) ? "it is a directory." : error.Message;
            throw new StoreRefusedException(
                $"The admin key's file '{path}' cannot be {(Path.Exists(path) ? "read" : "made")}: {why}",
                error
            );
        }
    }

    private static string ReadOrMake(string path, ILogger logger)
    {
        if (!File.Exists(path))
        {
            Write(path, "mpa_" + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)));
            Log.Made(logger, path);
        }
        else
        {
            Log.Found(logger, path);
        }

        var key = File.ReadAllText(path).Trim();
        if (key.Length == 0)
            throw new StoreRefusedException($"The admin key's file '{path}' is empty. Delete it to have a new key made.");
        return KeyLengthAttribute.Fits(key, LeastLength)
            ? key
            : throw new StoreRefusedException(
                $"The key in the admin key's file '{path}' has fewer than {LeastLength} characters, or some that no header "
                    + "carries. Write a longer one, or delete the file to have one made."
            );
    }

    private static void Write(string path, string key)
    {
        // Whole or not at all: a crash must not leave an empty key behind.
        var options = new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var partial = path + ".new";
        File.Delete(partial); // a left-over would keep its own mode
        using (var file = new FileStream(partial, options))
        {
            file.Write(Encoding.ASCII.GetBytes(key + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(partial, path);
    }

    private static partial class Log
    {
        [LoggerMessage(901, LogLevel.Information, "An admin key was made; it is in {Path}.")]
        public static partial void Made(ILogger logger, string path);

        [LoggerMessage(902, LogLevel.Information, "The admin key is in {Path}.")]
        public static partial void Found(ILogger logger, string path);
    }
}
