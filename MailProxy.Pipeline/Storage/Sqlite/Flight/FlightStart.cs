using System.Security.Cryptography;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage.Sql;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Storage.Sqlite.Flight;

/// <summary>
/// Opens the flight log at a start: what the last run left unsettled goes over into a new file, under the id of a new run that the store
/// knows. A crash at any step leaves the old file or the new one whole, and the store knows either.
/// </summary>
internal static partial class FlightStart
{
    public const string FileName = "flight";

    /// <summary>A person says by it that the log of the last run is lost for good.</summary>
    public const string LostName = "flight.lost";

    private const string BootFile = "/proc/sys/kernel/random/boot_id";

    /// <summary>Throws <see cref="StoreRefusedException"/>.</summary>
    public static FlightLog Open(string directory, Session session, ILogger logger) => Open(directory, session, Boot(), logger);

    internal static FlightLog Open(string directory, Session session, string boot, ILogger logger)
    {
        var path = Path.Combine(directory, FileName);
        try
        {
            var carried = Carried(path, session, boot, out var before);
            if (before is { Clean: false } && carried is null)
                RefuseUnlessLost(directory, logger);
            var run = RandomNumberGenerator.GetBytes(FlightSlot.RunSize);
            List<byte[]> slots = [.. (carried ?? []).Select(record => Slot(record, run))];
            var file = FlightFile.Make(path, new(run, before?.Run ?? new byte[FlightSlot.RunSize], boot), slots);
            session.Run("INSERT INTO flight (id, run, clean) VALUES (1, ?1, 0) ON CONFLICT (id) DO UPDATE SET run = ?1, clean = 0", run);
            File.Delete(Path.Combine(directory, LostName));
            return new(file, run, slots, logger);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StoreRefusedException($"The flight log '{path}' cannot be made: {error.Message}", error);
        }
        catch (SqliteException error)
        {
            throw new StoreRefusedException($"The store cannot note a new flight log: {StoreTrouble.Describe(error)}.", error);
        }
    }

    /// <summary>The last run has ended with nothing under way: its log is not needed any more.</summary>
    public static void EndClean(Session session) => session.Run("UPDATE flight SET clean = 1");

    /// <summary>Null: the file is missing, torn, or another store's.</summary>
    private static List<FlightRecord>? Carried(string path, Session session, string boot, out LastRun? before)
    {
        before = session.QueryFirst("SELECT run, clean FROM flight", static row => new LastRun(row.Blob(0), row.Long(1) != 0));
        using var file = FlightFile.TryOpen(path);
        if (before is not { } last || file?.ReadHeader() is not { } header)
            return null;

        // A start that ended before the store knew its run has carried everything over, and marked nothing.
        if (!header.Run.AsSpan().SequenceEqual(last.Run) && !header.Before.AsSpan().SequenceEqual(last.Run))
            return null;
        var octets = file.ReadSlots();
        var records = new List<FlightRecord>();
        for (var at = 0; at < octets.Length; at += FlightSlot.Size)
        {
            if (
                FlightSlot.Read(octets.AsSpan(at, FlightSlot.Size), header.Run) is { } record
                && After(record, header.Boot == boot) is { } kept
            )
                records.Add(kept);
        }

        return records;
    }

    // What was only marked has not gone out. After a power cut nobody knows whether the step behind the mark was lost.
    private static FlightRecord? After(FlightRecord record, bool sameBoot) =>
        record.Phase == FlightPhase.Marked ? (sameBoot ? null : record with { Phase = FlightPhase.Out }) : record;

    private static byte[] Slot(FlightRecord record, byte[] run)
    {
        var slot = new byte[FlightSlot.Size];
        FlightSlot.Write(slot, run, FlightPhase.Out, record.Mark);
        if (record.Phase == FlightPhase.Answered)
            FlightSlot.TryWriteAnswer(slot, record.Verdicts);
        return slot;
    }

    private static void RefuseUnlessLost(string directory, ILogger logger)
    {
        var lost = Path.Combine(directory, LostName);
        if (!File.Exists(lost))
        {
            throw new StoreRefusedException(
                $"The last run ended without a clean stop, and its flight log '{Path.Combine(directory, FileName)}' is missing or of "
                    + "another store: it says which messages were being sent. Put it back. To start without it, so that those messages "
                    + $"are sent once more, say so: touch {lost}"
            );
        }

        Log.Lost(logger);
    }

    // Somewhere without it every start counts as after a power cut.
    private static string Boot() => File.Exists(BootFile) ? File.ReadAllText(BootFile).Trim() : Guid.NewGuid().ToString();

    private sealed record LastRun(byte[] Run, bool Clean);

    private static partial class Log
    {
        [LoggerMessage(726, LogLevel.Warning, "The flight log of the last run was given up: messages that were being sent are sent again")]
        public static partial void Lost(ILogger logger);
    }
}
