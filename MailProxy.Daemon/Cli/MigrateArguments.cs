using System.Data.Common;
using MailProxy.Pipeline.Storage.Moves;

namespace MailProxy.Daemon.Cli;

/// <summary>What stands on the command line of <c>migrate-store</c>.</summary>
internal sealed record MigrateArguments(MovePlace From, MovePlace To, bool DryRun, bool AllowLostBodies, bool Json)
{
    private const string Usual =
        "mailproxy migrate-store --from DIR --to-file FILE, where DIR is the data directory of a stopped daemon and FILE has the "
        + "connection string of a PostgreSQL database (Host=…;Username=…;Password=…;Database=…); "
        + "--from-file FILE --to DIR moves it back";

    private static readonly string[] Secrets = ["password", "psw", "pwd", "sslpassword"];

    /// <summary>Throws <see cref="UsageException"/>.</summary>
    public static MigrateArguments Read(string[] args)
    {
        var (places, flags) = (new Dictionary<string, MovePlace>(), new HashSet<string>());
        for (var i = 0; i < args.Length; i++)
        {
            var (name, value) = args[i].Split('=', 2) is [var before, var after] ? (before, after) : (args[i], null);
            switch (name)
            {
                case "--from" or "--to" or "--from-file" or "--to-file":
                    value ??= ++i < args.Length ? args[i] : throw new UsageException($"{name} takes a value: {Usual}.");
                    var side = name.EndsWith("-file", StringComparison.Ordinal) ? name[..^"-file".Length] : name;
                    if (!places.TryAdd(side, name == side ? Typed(name, value) : InFile(name, value)))
                        throw new UsageException($"{side} and {side}-file are given together, or twice; take one away.");
                    break;
                case "--dry-run" or "--allow-lost-bodies" or "--json" when value is null:
                    flags.Add(name);
                    break;
                default:
                    throw new UsageException(
                        $"'{args[i]}' is no option of migrate-store: {Usual}. Others: --dry-run, --allow-lost-bodies, --json."
                    );
            }
        }

        return places.TryGetValue("--from", out var from) && places.TryGetValue("--to", out var to)
            ? new(from, to, flags.Contains("--dry-run"), flags.Contains("--allow-lost-bodies"), flags.Contains("--json"))
            : throw new UsageException($"migrate-store takes where from and where to: {Usual}.");
    }

    // A directory of such a name would be an odd one.
    private static MovePlace Typed(string option, string value)
    {
        if (value.Length == 0)
            throw new UsageException($"{option} is empty: {Usual}.");
        if (!value.Contains('=', StringComparison.Ordinal) || Directory.Exists(value))
            return new(value, IsPostgres: false, option);
        if (HasSecret(value))
        {
            throw new UsageException(
                $"{option} has a password, which every user of this machine can see there. Put the connection string into a file of your "
                    + $"own (chmod 600), and name that: {option}-file FILE."
            );
        }

        return new(value, IsPostgres: true, option);
    }

    private static MovePlace InFile(string option, string file)
    {
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } text
                ? new(text, IsPostgres: true, option)
                : throw new UsageException($"{option}: '{file}' is empty. It takes one line, as Storage:ConnectionStringFile does.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UsageException($"{option}: '{file}' cannot be read: {error.Message}", error);
        }
    }

    private static bool HasSecret(string text)
    {
        try
        {
            return new DbConnectionStringBuilder { ConnectionString = text }
                .Keys.Cast<string>()
                .Any(static key => Secrets.Contains(key.Replace(" ", "", StringComparison.Ordinal), StringComparer.OrdinalIgnoreCase));
        }
        catch (ArgumentException)
        {
            return false; // no connection string, which whoever opens it says
        }
    }
}
