using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Sqlite.Flight;
using Microsoft.Extensions.Logging.Abstractions;
using NUnit.Framework;

namespace MailProxy.Tests.Storage.Sqlite.Flight;

public sealed class FlightLogTests
{
    private DirectoryInfo _directory = null!;
    private FlightLog _log = null!;

    [SetUp]
    public void Open()
    {
        _directory = Directory.CreateTempSubdirectory("mailproxy-flight-");
        var run = new byte[FlightSlot.RunSize];
        _log = new(FlightFile.Make(Path.Combine(_directory.FullName, "flight"), new(run, run, "boot"), []), run, [], NullLogger.Instance);
    }

    [TearDown]
    public void Close()
    {
        _log.Dispose();
        _directory.Delete(recursive: true);
    }

    private static Mark Note(long message) => new(new(message, 1, new LaneKey(1), Priority.Medium, 0, 0, 1), 1, PermitCounts.None, 0);

    [Test]
    public async Task Mark_ManyAtOnce_AllAreInTheFile()
    {
        var marks = Enumerable.Range(1, 500).Select(message => _log.Mark(Note(message))).ToList();
        await Task.WhenAll(marks.Select(mark => mark.Kept)).WaitAsync(TimeSpan.FromSeconds(30));

        using var file = FlightFile.TryOpen(Path.Combine(_directory.FullName, "flight"))!;
        var octets = file.ReadSlots();
        var found = marks.Select(mark =>
            FlightSlot.Read(octets.AsSpan(mark.Slot * FlightSlot.Size, FlightSlot.Size), new byte[FlightSlot.RunSize])!.Ticket.Id
        );
        Assert.That(found, Is.EqualTo(Enumerable.Range(1, 500).Select(static message => (long)message)));
    }

    [Test]
    public void Mark_EverySlotInUse_IsUnavailableUntilOneIsFree()
    {
        var first = _log.Mark(Note(1)).Slot;
        for (var message = 2; message <= FlightFile.Slots; message++)
            _log.Mark(Note(message));
        Assert.That(async () => await _log.Mark(Note(9999)).Kept, Throws.TypeOf<StoreUnavailableException>());

        _log.Free(first);
        Assert.That(async () => await _log.Mark(Note(9999)).Kept.WaitAsync(TimeSpan.FromSeconds(30)), Throws.Nothing);
    }

    [Test]
    public void Mark_AfterTheEnd_IsUnavailable()
    {
        _log.Dispose();
        Assert.That(async () => await _log.Mark(Note(1)).Kept, Throws.TypeOf<StoreUnavailableException>());
        Open();
    }
}
