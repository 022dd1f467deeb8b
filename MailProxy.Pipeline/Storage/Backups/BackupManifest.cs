using System.Text.Json;
using System.Text.Json.Serialization;
using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Storage.Backups;

/// <summary>The manifest of a backup, in <c>backup.json</c>. It is written last, so a directory without it is not a backup.</summary>
public sealed record BackupManifest
{
    public const string FileName = "backup.json";
    public const int Known = 1;

    /// <summary>The format of this file.</summary>
    public required int Format { get; init; }

    public required string Program { get; init; }
    public required int Schema { get; init; }

    /// <summary>The time of the snapshot, in UTC.</summary>
    public required DateTime MadeAt { get; init; }

    public required StoreHistory History { get; init; }
    public required BackupCounts Counts { get; init; }

    /// <summary>Ids of the master keys under which the backup's secrets are sealed.</summary>
    public required IReadOnlyList<string> MasterKeys { get; init; }

    /// <summary>All files in the backup.</summary>
    public required IReadOnlyList<BackupFile> Files { get; init; }

    public bool Has(string name) => Files.Any(file => file.Name == name);

    /// <summary>
    /// Null when there is no manifest. Throws <see cref="StoreRefusedException"/> when it is not ours, damaged, or of a newer program.
    /// </summary>
    public static BackupManifest? Read(string directory)
    {
        var path = Path.Combine(directory, FileName);
        if (!File.Exists(path))
            return null;
        BackupManifest? read;
        try
        {
            read = JsonSerializer.Deserialize(File.ReadAllBytes(path), BackupJson.Default.BackupManifest);
        }
        catch (JsonException error)
        {
            throw new StoreRefusedException($"'{path}' is damaged: it is not the manifest of a backup.", error);
        }

        if (read is null || read.History.Lives.Count == 0)
            throw new StoreRefusedException($"'{path}' is damaged: it is not the manifest of a backup.");
        if (read.Format > Known)
            throw new StoreRefusedException($"The backup in '{directory}' was made by a newer program ({read.Program}). Use that one.");
        if (read.Files.Any(file => !IsPlain(file.Name)))
            throw new StoreRefusedException($"'{path}' is damaged: it names files that do not belong to a backup.");
        return read;
    }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, BackupJson.Default.BackupManifest);

    // The name decides where a restore writes, so it must be plain.
    private static bool IsPlain(string name)
    {
        var plain = name.StartsWith(BackupFile.Spool, StringComparison.Ordinal) ? name[BackupFile.Spool.Length..] : name;
        return plain.Length > 0
            && plain is not ("." or "..")
            && plain.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
    }
}

/// <param name="Name">Relative to the backup's directory, with slashes.</param>
public sealed record BackupFile(string Name, long Size, string Sha256)
{
    public const string Spool = "spool/";
    public const string Database = "mailproxy.db";
    public const string AdminKey = "admin.key";
    public const string MasterKey = "master.key";
}

/// <param name="Queued">Messages that are not final.</param>
public sealed record BackupCounts(long Messages, long Queued, long Events, long Accounts, long Tenants, long Webhooks);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    WriteIndented = true,
    RespectRequiredConstructorParameters = true,
    RespectNullableAnnotations = true
)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class BackupJson : JsonSerializerContext;
