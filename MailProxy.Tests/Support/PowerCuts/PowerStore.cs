using MailProxy.Pipeline.Storage.Sqlite.Flight;

namespace MailProxy.Tests.Support.PowerCuts;

/// <summary>A store with lives that are cut: each goes on from what the disk has after the cut of the one before.</summary>
internal sealed class PowerStore(WitnessSink sink, int connections, Func<string, bool>? syncs = null)
{
    /// <summary>A life from start to stop in a directory; what it was given to take is up to <paramref name="work"/>.</summary>
    public async Task<Witness> LiveAsync(string data, Func<Life, Task>? work = null)
    {
        using var recording = new DiskRecording(data, syncs);
        var witness = new Witness(recording);
        sink.Witness = witness;
        await using var life = await Life.StartAsync(data, witness);
        await life.SettleAsync(work is null ? Task.CompletedTask : work(life));
        await life.StopAsync();
        return witness;
    }

    /// <summary>
    /// Cuts a life at an instant, starts what is left of it in a new directory, lets it end, and judges. The new life is returned too: it
    /// may be cut in turn.
    /// </summary>
    public async Task<CutOutcome> CutAsync(IReadOnlyList<(Witness Life, long At)> cuts, CutKind kind, Random dice, string data)
    {
        var (last, at) = cuts[^1];
        var open = new CutDisk(last.Recording, at, kind, dice).WriteTo(data);
        ChangeBoot(Path.Combine(data, FlightStart.FileName));
        var left = FlightDoubts.Read(data);
        Witness life;
        try
        {
            life = await LiveAsync(data);
        }
        catch (Exception error)
        {
            return new(null, error.Message, null, open, left);
        }

        var history = new History();
        foreach (var (cut, until) in cuts)
            cut.AddTo(history, until);
        life.AddTo(history, long.MaxValue);
        return new(new(Path.Combine(data, "mailproxy.db"), history, cuts, connections), null, life, open, left);
    }

    // A power cut is followed by another boot, and this process has but one.
    private static void ChangeBoot(string flight)
    {
        if (!File.Exists(flight))
            return;
        using var file = File.OpenHandle(flight, FileMode.Open, FileAccess.ReadWrite);
        var octets = new byte[FlightHeader.Size];
        if (RandomAccess.Read(file, octets, 0) < octets.Length || FlightHeader.Read(octets) is not { } header)
            return;
        (header with { Boot = Guid.NewGuid().ToString() }).Write(octets);
        RandomAccess.Write(file, octets, 0);
    }
}

/// <summary>What became of a store after a cut.</summary>
/// <param name="Verdict">Null: the daemon refused to start, for the reason that <paramref name="Refused"/> says.</param>
/// <param name="Life">The life after the cut.</param>
/// <param name="Open">The files of which something was unsynced when the power went.</param>
/// <param name="Left">What the flight log that was left says of unsettled attempts.</param>
internal sealed record CutOutcome(StoreVerdict? Verdict, string? Refused, Witness? Life, IReadOnlySet<string> Open, FlightDoubts Left);
