using System.Diagnostics;
using MailProxy.Benchmarks.Load;
using MailProxy.Benchmarks.Support;
using Npgsql;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>A daemon whose rates are taken, on SQLite or on PostgreSQL.</summary>
internal sealed class RatedDaemon : IAsyncDisposable
{
    private const int Bytes = 2_000,
        PerBatch = 100;

    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);
    private static readonly byte[] Hundred = TestMail.Batch(PerBatch, Bytes);

    private readonly DurableServer? _server;
    private readonly NpgsqlConnection? _look;
    private readonly SmtpSink _sink;

    private RatedDaemon(LoadDaemon daemon, DurableServer? server, SmtpSink sink)
    {
        (Daemon, _server, _sink) = (daemon, server, sink);
        _look = server?.Open();
    }

    public LoadDaemon Daemon { get; }

    /// <summary>Starts it, with an account that leads to the sink.</summary>
    public static async Task<RatedDaemon> StartAsync(DaemonProcess process, DurableServer? server, SmtpSink sink)
    {
        var daemon = new LoadDaemon(process);
        await daemon.StartAsync();
        await process.PutAccountAsync("sink", sink.Port);
        return new(daemon, server, sink);
    }

    /// <summary>Posts batches of 100 over 8 connections while they are sent; from the first byte posted to the last final state.</summary>
    public Task<Rated> ThroughAsync(int messages) =>
        MeasureAsync(messages, () => Daemon.PostAsync(Hundred, "/v1/messages/batch", messages / PerBatch, 8));

    /// <summary>From activation of a full queue to the last final state.</summary>
    public async Task<Rated> DrainAsync(int messages)
    {
        await Daemon.SuspendAsync();
        await Daemon.FillAsync(messages, Bytes, batch: Math.Min(1_000, messages));
        return await MeasureAsync(messages, Daemon.ActivateAsync);
    }

    public async ValueTask DisposeAsync()
    {
        if (_look is not null)
            await _look.DisposeAsync();
        Daemon.Dispose();
    }

    private async Task<Rated> MeasureAsync(int messages, Func<Task> begin)
    {
        var meter = Daemon.Meter(_sink);
        var before = _server?.Cpu ?? 0;
        await begin();
        await EmptyAsync();
        var reading = meter.Read(messages);
        return new(reading, ((_server?.Cpu ?? 0) - before) * 1e6 / messages);
    }

    // By a look into the store, which costs the daemon nothing, and the server little: at the end of an index, past no dead rows.
    private async Task EmptyAsync()
    {
        if (_look is null)
        {
            await Daemon.Store.EmptyAsync(Longest);
            return;
        }

        var begun = Stopwatch.GetTimestamp();
        await using var command = new NpgsqlCommand("SELECT max(message) IS NULL FROM queue", _look);
        while (!(bool)(await command.ExecuteScalarAsync())!)
        {
            if (Stopwatch.GetElapsedTime(begun) > Longest)
                throw new TimeoutException("The queue is not empty after ten minutes.");
            await Task.Delay(20);
        }
    }
}

/// <param name="Server">CPU microseconds a message of the processes of PostgreSQL.</param>
internal readonly record struct Rated(Reading Reading, double Server);

/// <summary>The readings of one kind, round by round.</summary>
internal sealed class RatedRow(string name)
{
    private readonly List<Rated> _all = [];

    public Samples Rate => Of(static one => one.Reading.Rate);

    public void Add(Rated one)
    {
        _all.Add(one);
        Console.WriteLine(
            $"  {name}: {Samples.Number(one.Reading.Rate)}/s; CPU µs a message: {Samples.Number(one.Reading.Subject)}, PostgreSQL "
                + $"{Samples.Number(one.Server)}, sink {Samples.Number(one.Reading.Sink)}, client {Samples.Number(one.Reading.Client)}"
        );
    }

    /// <summary>This row's rate by another's, round by round.</summary>
    public Samples Over(RatedRow other) => new(_all.Zip(other._all, static (mine, its) => mine.Reading.Rate / its.Reading.Rate));

    public static string Table(params IEnumerable<RatedRow> rows) =>
        "| | messages a second | CPU µs a message: of it | of PostgreSQL | of the sink | of the client |\n|---|---|---|---|---|---|\n"
        + string.Concat(rows.Select(static row => row.Line()));

    private string Line() =>
        $"| {name} | {Rate} | {Some(static one => one.Reading.Subject)} | {Some(static one => one.Server)} | "
        + $"{Some(static one => one.Reading.Sink)} | {Some(static one => one.Reading.Client)} |\n";

    private Samples Of(Func<Rated, double> part) => new(_all.Select(part));

    private string Some(Func<Rated, double> part) => Of(part) is { Max: > 0 } samples ? samples.ToString() : "–";
}
