using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using MailProxy.Tests.Support;
using MailProxy.Tests.Support.PowerCuts;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite;

/// <summary>What the store's files keep of a power cut at any instant; and that a missing sync would be seen.</summary>
internal sealed class PowerCutTests
{
    private const int Commits = 24;

    private static readonly CutKind[] Kinds = Enum.GetValues<CutKind>();

    private TempDirectory _before = null!,
        _after = null!;

    [SetUp]
    public void Make() => (_before, _after) = (new(), new());

    [TearDown]
    public void Remove()
    {
        _before.Dispose();
        _after.Dispose();
    }

    /// <summary>Every commit that had ended at a cut is there, and the database is whole; a checkpoint comes in between.</summary>
    [Test]
    public void Commits_CutAtEveryInstant_AreThere([ValueSource(nameof(Kinds))] CutKind kind) =>
        Assert.That(Broken(Record(static _ => true), kind), Is.Empty);

    /// <summary>The same without the syncs of the log, of the database, and of the directory: found each time.</summary>
    [Test]
    public void Commits_WithoutASync_AreMissed([Values("-wal", ".db", "")] string missing)
    {
        var (recording, commits) = Record(path =>
            missing.Length == 0 ? !Directory.Exists(path) : !path.EndsWith(missing, StringComparison.Ordinal)
        );
        Assert.That(Kinds.Where(kind => kind != CutKind.All).SelectMany(kind => Broken((recording, commits), kind)), Is.Not.Empty);
    }

    /// <summary>A mark is on the disk when its promise is kept, whatever else of the log is; without the sync it may not be.</summary>
    [Test]
    public async Task Mark_CutAfterItsPromise_IsThere([ValueSource(nameof(Kinds))] CutKind kind, [Values] bool syncs)
    {
        var header = new FlightHeader(new byte[FlightSlot.RunSize], new byte[FlightSlot.RunSize], "boot");
        using var recording = new DiskRecording(_before, path => syncs || !path.EndsWith("flight", StringComparison.Ordinal));
        var log = new FlightLog(
            FlightFile.Make(Path.Combine(_before, "flight"), header, []),
            new byte[FlightSlot.RunSize],
            [],
            NullLogger.Instance
        );
        var ticket = new QueuedMail(7, 1, new LaneKey(1), Priority.Medium, 0, 0, 1);
        var (slot, synced) = log.Mark(new(ticket, 1, PermitCounts.None, 1000));
        await synced;
        log.Out(slot, 2000);
        var at = recording.Clock;
        log.Dispose();

        new CutDisk(recording, at, kind, new Random(1)).WriteTo(_after);
        using var left = FlightFile.TryOpen(Path.Combine(_after, "flight"));
        var record = FlightSlot.Read(left!.ReadSlots().AsSpan(slot * FlightSlot.Size, FlightSlot.Size), header.Run);
        if (kind == CutKind.Nothing)
            Assert.That(record?.Phase, Is.EqualTo(syncs ? FlightPhase.Marked : null));
        else if (syncs || kind == CutKind.All)
            Assert.That(record?.Ticket, Is.EqualTo(ticket));
    }

    /// <summary>A file that is not synced under its new name may still have the old one.</summary>
    [Test]
    public void Rename_OfADirectoryThatIsNotSynced_MayBeLost()
    {
        File.WriteAllText(Path.Combine(_before, "old"), "content");
        using var recording = new DiskRecording(_before);
        recording.Moved(Path.Combine(_before, "old"), Path.Combine(_before, "new"));
        var open = new CutDisk(recording, recording.Clock, CutKind.Nothing, new Random(1)).WriteTo(_after);
        Assert.That(File.ReadAllText(Path.Combine(_after, "old")), Is.EqualTo("content"));
        Assert.That(open, Does.Contain(CutDisk.OpenNames));

        recording.DirectorySynced(_before, recording.Tick());
        new CutDisk(recording, recording.Clock, CutKind.Nothing, new Random(1)).WriteTo(_after);
        Assert.That(File.ReadAllText(Path.Combine(_after, "new")), Is.EqualTo("content"));
    }

    private (DiskRecording, List<long>) Record(Func<string, bool> syncs)
    {
        var path = Path.Combine(_before, "store.db");
        using (var first = Connections.OpenPlain(path))
            Connections.Execute(first, "PRAGMA journal_mode=WAL; CREATE TABLE rows (n INTEGER PRIMARY KEY, text TEXT)");
        var recording = new DiskRecording(_before, syncs);
        var commits = new List<long>();
        using (var writer = Connections.OpenWriter(path, Checkpointer.StartAt))
        {
            for (var n = 0; n < Commits; n++)
            {
                Connections.Execute(writer, $"INSERT INTO rows VALUES ({n}, '{new string((char)('a' + n % 26), 3000)}')");
                commits.Add(recording.Tick());
                if (n == Commits / 2)
                    Connections.Execute(writer, "PRAGMA wal_checkpoint(PASSIVE)");
            }
        }

        recording.Dispose();
        return (recording, commits);
    }

    private List<string> Broken((DiskRecording Recording, List<long> Commits) run, CutKind kind)
    {
        var wrong = new List<string>();
        for (var at = 1L; at <= run.Recording.Clock; at++)
        {
            foreach (var old in Directory.GetFiles(_after))
                File.Delete(old);
            new CutDisk(run.Recording, at, kind, new Random((int)at)).WriteTo(_after);
            var expected = run.Commits.Count(commit => commit <= at);
            try
            {
                using var left = Connections.OpenExisting(Path.Combine(_after, "store.db"));
                var rows = Connections.Number(left, "SELECT count(*) FROM rows");
                var whole = string.Join("; ", Connections.Texts(left, "PRAGMA integrity_check"));
                if (rows < expected || whole != "ok")
                    wrong.Add($"{kind} at {at}: {rows} of {expected}, {whole}");
            }
            catch (SqliteException error)
            {
                wrong.Add($"{kind} at {at}: {error.Message}");
            }
        }

        return wrong;
    }
}
