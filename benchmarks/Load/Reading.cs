using System.Diagnostics;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>
/// One measured run: messages a second, and CPU microseconds a message of what is measured, of the sink, and of the client.
/// </summary>
internal readonly record struct Reading(double Rate, double Subject, double Sink, double Client);

/// <summary>Takes the times of a run. What is measured may be this process itself; then there is no client.</summary>
internal sealed class Meter(Func<double> subject, int? sink, bool hasClient = true)
{
    private readonly double _subject = subject();
    private readonly double _sink = sink is { } id ? CpuTime.Of(id) : 0;
    private readonly double _client = CpuTime.Of(Environment.ProcessId);
    private readonly long _begun = Stopwatch.GetTimestamp();

    public static Meter Of(int process, int? sink) => new(() => CpuTime.Of(process), sink);

    public static Meter OfMyself(int? sink) => new(() => CpuTime.Of(Environment.ProcessId), sink, hasClient: false);

    public Reading Read(long messages)
    {
        var seconds = Stopwatch.GetElapsedTime(_begun).TotalSeconds;
        double Each(double cpu) => cpu * 1e6 / messages;
        return new(
            messages / seconds,
            Each(subject() - _subject),
            sink is { } id ? Each(CpuTime.Of(id) - _sink) : 0,
            hasClient ? Each(CpuTime.Of(Environment.ProcessId) - _client) : 0
        );
    }
}

/// <summary>The readings of one row of a table, round by round.</summary>
internal sealed class Row(string name)
{
    private readonly List<Reading> _readings = [];

    public string Name => name;

    public Samples Rate => new(_readings.Select(r => r.Rate));

    public void Add(Reading reading)
    {
        _readings.Add(reading);
        Console.WriteLine(
            $"  {name}: {Samples.Number(reading.Rate)}/s; CPU µs a message: {Samples.Number(reading.Subject)}, sink "
                + $"{Samples.Number(reading.Sink)}, client {Samples.Number(reading.Client)}"
        );
    }

    /// <summary>This row's rate by another's, round by round.</summary>
    public Samples Over(Row other) => new(_readings.Zip(other._readings, (mine, its) => mine.Rate / its.Rate));

    /// <summary>This row's CPU a message by another's, round by round.</summary>
    public Samples CpuOver(Row other) => new(_readings.Zip(other._readings, (mine, its) => mine.Subject / its.Subject));

    public static string Table(params IEnumerable<Row> rows) =>
        "| | CPU µs a message | of the sink | of the client | messages a second |\n|---|---|---|---|---|\n"
        + string.Concat(
            rows.Select(row =>
                $"| {row.Name} | {row.Of(r => r.Subject)} | {row.Of(r => r.Sink)} | {row.Of(r => r.Client)} | {row.Rate} |\n"
            )
        );

    private string Of(Func<Reading, double> part)
    {
        var samples = new Samples(_readings.Select(part));
        return samples.Max == 0 ? "–" : samples.ToString();
    }
}
