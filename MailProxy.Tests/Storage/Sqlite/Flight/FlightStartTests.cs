using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sql;
using MailProxy.Pipeline.Storage.Sqlite;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite.Flight;

/// <summary>
/// What a start makes of the log of the last run: after a clean stop, a killed process, a power cut, and without its file.
/// </summary>
public sealed class FlightStartTests
{
    private DirectoryInfo _directory = null!;
    private SqliteSession _db = null!;

    private string FilePath => Path.Combine(_directory.FullName, FlightStart.FileName);

    [SetUp]
    public void Open()
    {
        _directory = Directory.CreateTempSubdirectory("mailproxy-flight-");
        var connection = new SqliteConnection("Data Source=:memory:");
        connection.Open();
        _db = new(connection);
        _db.Run("CREATE TABLE flight (id INTEGER PRIMARY KEY CHECK (id = 1), run BLOB NOT NULL, clean INTEGER NOT NULL) STRICT");
    }

    [TearDown]
    public void Close()
    {
        _db.Dispose();
        _directory.Delete(recursive: true);
    }

    private FlightLog Start(string boot = "boot") => FlightStart.Open(_directory.FullName, _db, boot, NullLogger.Instance);

    private static Mark Note(long message) => new(new(message, 1, new LaneKey(1), Priority.Medium, 0, 0, 1), 1, PermitCounts.None, 1000);

    /// <summary>A run that ends without a word: one attempt marked, one gone out, one answered.</summary>
    private async Task RunAsync()
    {
        using var log = Start();
        var slots = new List<int>();
        for (var message = 1; message <= 3; message++)
        {
            var (slot, synced) = log.Mark(Note(message));
            await synced.WaitAsync(TimeSpan.FromSeconds(30));
            slots.Add(slot);
        }

        log.Out(slots[1], 2000);
        log.Out(slots[2], 3000);
        log.Answered(slots[2], [new(0, "", Verdict.Refused, 550, "5.1.1", "no such user")]);
    }

    private static (long, FlightPhase, long)[] Left(FlightLog log) =>
        [
            .. log.Used()
                .Select(log.Read)
                .OrderBy(record => record.Ticket.Id)
                .Select(record => (record.Ticket.Id, record.Phase, record.Mark.At)),
        ];

    [Test]
    public async Task AfterAKill_WhatWasOnlyMarkedIsForgotten()
    {
        await RunAsync();
        using var log = Start();
        Assert.That(Left(log), Is.EqualTo(new[] { (2L, FlightPhase.Out, 2000L), (3L, FlightPhase.Answered, 3000L) }));
        Assert.That(log.Used().Select(log.Read).Last().Verdicts.Single().Reply, Is.EqualTo("no such user"));
    }

    [Test]
    public async Task AfterAnotherBoot_WhatWasMarkedMayHaveGoneOut()
    {
        await RunAsync();
        using var log = Start("another");
        Assert.That(
            Left(log),
            Is.EqualTo(new[] { (1L, FlightPhase.Out, 1000L), (2L, FlightPhase.Out, 2000L), (3L, FlightPhase.Answered, 3000L) })
        );
    }

    [Test]
    public async Task SeveralStarts_CarryWhatIsNotSettled()
    {
        await RunAsync();
        Start().Dispose();
        Start("another").Dispose();
        using var log = Start();
        Assert.That(Left(log).Select(left => left.Item1), Is.EqualTo(new[] { 2L, 3L }));
    }

    [Test]
    public async Task StartThatEndedBeforeTheStoreKnewIt_LosesNothing()
    {
        await RunAsync();
        var run = _db.QueryFirst("SELECT run FROM flight", row => row.Blob(0))!;
        Start().Dispose();
        _db.Run("UPDATE flight SET run = ?1", run);

        using var log = Start();
        Assert.That(Left(log).Select(left => left.Item1), Is.EqualTo(new[] { 2L, 3L }));
    }

    [Test]
    public async Task FileMissing_AfterAKill_RefusesAndNamesTheRemedy()
    {
        await RunAsync();
        File.Delete(FilePath);
        Assert.That(
            () => Start(),
            Throws.TypeOf<StoreRefusedException>().With.Message.Contains($"touch {Path.Combine(_directory.FullName, "flight.lost")}")
        );

        await File.WriteAllTextAsync(Path.Combine(_directory.FullName, FlightStart.LostName), "");
        using var log = Start();
        Assert.That((log.Count, File.Exists(Path.Combine(_directory.FullName, FlightStart.LostName))), Is.EqualTo((0, false)));
    }

    [Test]
    public async Task FileOfAnotherStore_IsRefused()
    {
        await RunAsync();
        var foreign = new byte[FlightSlot.RunSize];
        FlightFile.Make(FilePath, new(foreign, foreign, "boot"), []).Dispose();
        Assert.That(() => Start(), Throws.TypeOf<StoreRefusedException>());
    }

    [Test]
    public async Task FileMissing_AfterACleanStop_IsNoMatter()
    {
        await RunAsync();
        FlightStart.EndClean(_db);
        File.Delete(FilePath);
        using var log = Start();
        Assert.That(log.Count, Is.Zero);
    }

    [Test]
    public void FirstStart_MakesTheFileForItsOwnerOnly()
    {
        using var log = Start();
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(FilePath), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(new FileInfo(FilePath).Length, Is.EqualTo(4096 + FlightFile.Slots * FlightSlot.Size));
    }

    [Test]
    public async Task TornHeader_IsRefused()
    {
        await RunAsync();
        await using (var file = new FileStream(FilePath, FileMode.Open))
            file.WriteByte(0);
        Assert.That(() => Start(), Throws.TypeOf<StoreRefusedException>());
    }
}
