using System.Globalization;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Mail;
using Microsoft.Data.Sqlite;

namespace MailProxy.Pipeline.Storage.Sqlite;

/// <summary>One numbered step of the schema.</summary>
internal sealed record Migration(int Number, string Name, string Sql);

/// <summary>Migrates the schema forward, one transaction per step; never back.</summary>
internal static class Migrator
{
    private const string Folder = ".Storage.Sqlite.Migrations.";

    /// <summary>The steps in this program, in order. Numbers may be left out.</summary>
    public static IReadOnlyList<Migration> Embedded { get; } = Load();

    /// <summary>The schema of a store that this program has written.</summary>
    public static int Latest => Embedded[^1].Number;

    /// <summary>Throws <see cref="StoreRefusedException"/> when the file is from a newer program, before anything is changed.</summary>
    public static void Run(SqliteConnection connection, string path, IReadOnlyList<Migration> migrations)
    {
        var version = Connections.Number(connection, "PRAGMA user_version");
        var latest = migrations.Count == 0 ? 0 : migrations[^1].Number;
        if (version > latest)
        {
            throw new StoreRefusedException(
                $"'{path}' was written by a newer program (schema {version}; this one knows up to {latest}). It was not "
                    + "touched; install the newer version again, or restore a backup made before it."
            );
        }

        connection.CreateFunction<string?, long>("flow_of", static batch => FlowKey.Of(batch).Number, isDeterministic: true); // 0031
        foreach (var migration in migrations.Where(m => m.Number > version))
        {
            try
            {
                Connections.Execute(connection, "BEGIN IMMEDIATE");
                Connections.Execute(connection, migration.Sql);
                Connections.Execute(connection, $"PRAGMA user_version={migration.Number}");
                Connections.Execute(connection, "COMMIT");
            }
            catch (SqliteException error)
            {
                // Closing the connection rolls back the open transaction.
                throw new StoreRefusedException(
                    $"'{path}' could not be brought to schema {migration.Number} ({migration.Name}): {error.Message}. It is as it "
                        + "was before this step.",
                    error
                );
            }
        }
    }

    private static Migration[] Load()
    {
        var assembly = typeof(Migrator).Assembly;
        var found = new List<Migration>();
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            var at = resource.IndexOf(Folder, StringComparison.Ordinal);
            if (at < 0)
                continue;
            var name = resource[(at + Folder.Length)..^".sql".Length];
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            found.Add(new(int.Parse(name.AsSpan(0, 4), NumberStyles.None, CultureInfo.InvariantCulture), name, reader.ReadToEnd()));
        }

        found.Sort((a, b) => a.Number.CompareTo(b.Number));
        for (var i = 1; i < found.Count; i++)
        {
            if (found[i].Number == found[i - 1].Number)
                throw new InvalidOperationException($"There are two migrations {found[i].Number}.");
        }

        return [.. found];
    }
}
