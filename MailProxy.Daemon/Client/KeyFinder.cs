using System.Collections;
using MailProxy.Daemon.Hosting;

namespace MailProxy.Daemon.Client;

/// <summary>Finds the key for a daemon. It is never the value of an argument, which everybody on the machine could read.</summary>
/// <param name="input">Where <c>-</c> is read from.</param>
/// <param name="ask">Asks a person; null: nobody is there.</param>
internal sealed class KeyFinder(IDictionary environment, TextReader input, Func<string?>? ask)
{
    public const string KeyVariable = "MAILPROXY_KEY";
    public const string FileVariable = "MAILPROXY_KEY_FILE";

    private const string AdminKeyFile = "admin.key";
    private const string StandardInput = "-";

    /// <param name="file">What <c>--key-file</c> says; null: nothing.</param>
    /// <param name="settings">Those of the daemon, when it was found by them.</param>
    /// <exception cref="DaemonException">There is none, or its file cannot be read.</exception>
    public string Find(string? file, DaemonAddress address, DaemonSettings? settings)
    {
        if (file is not null)
            return Read(file, "--key-file");
        if (Variable(FileVariable) is { } named)
            return Read(named, FileVariable);
        if (Variable(KeyVariable) is { } key)
            return Checked(key, KeyVariable);
        return OfDataDirectory(address, settings)
            ?? (ask?.Invoke() is { } typed && !string.IsNullOrWhiteSpace(typed) ? Checked(typed, "the key") : throw None(address));
    }

    private string? OfDataDirectory(DaemonAddress address, DaemonSettings? settings)
    {
        if (address.Data is null)
            return null;
        if (settings?.AdminKey is { Length: > 0 } configured)
            return configured.Trim();
        var path = Path.Combine(address.Data, AdminKeyFile);
        try
        {
            return File.Exists(path) ? Checked(File.ReadAllText(path), path) : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return ask is null ? throw Unreadable(path, error) : null;
        }
    }

    private string Read(string file, string origin)
    {
        if (file == StandardInput)
            return Checked(input.ReadLine() ?? "", "standard input");
        try
        {
            return Checked(File.ReadAllText(file), $"{origin}: {file}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unreadable(file, error);
        }
    }

    private static string Checked(string text, string origin)
    {
        var key = text.Trim();
        return key.Length > 0 && key.All(static c => c is > ' ' and < '\x7f')
            ? key
            : throw new DaemonException(
                DaemonTrouble.Refused,
                $"{origin}: {(key.Length == 0 ? "there is no key in it." : "that is not a key: it is one word of visible ASCII.")}"
            );
    }

    private string? Variable(string name) => environment[name] is string { Length: > 0 } text ? text : null;

    private static DaemonException Unreadable(string path, Exception error) =>
        new(
            DaemonTrouble.Refused,
            $"The key's file {path} cannot be read: {OneLine.Of(error)} Run the command as the daemon's user, or name "
                + "another by --key-file.",
            error
        );

    private static DaemonException None(DaemonAddress address) =>
        new(
            DaemonTrouble.Refused,
            $"There is no key for {address.Shown}. Give one by --key-file FILE (- is standard input), {FileVariable} or {KeyVariable}; the "
                + "admin key is in admin.key of the data directory (--data DIR)."
        );
}
