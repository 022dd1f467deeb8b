using System.Text.Json;
using System.Text.Json.Serialization;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage.Nodes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>
/// Tells the other nodes what they should look at, and hears what they tell: a hint each, since one that gets lost is found by the beat or
/// by a sweep. Sent by a connection of its own, some fifty times a second at the most, because NOTIFY inside transactions makes them wait
/// for each other.
/// </summary>
internal sealed partial class PgSignals : IDisposable
{
    public const string Channel = "mailproxy";

    public const string Notify = "SELECT 1 FROM (SELECT pg_notify(?1, ?2)) AS told";

    // A payload is shorter than 8,000 bytes.
    private const int MostTenants = 40,
        MostLanes = 150;

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AfterTrouble = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan SweepDeaf = TimeSpan.FromSeconds(3);

    private readonly long _me;
    private readonly Func<NpgsqlConnection> _open;
    private readonly Func<bool> _isAlone;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _any = new(0, 1);
    private readonly Lock _gate = new();
    private Unsent _unsent = new();
    private volatile bool _hears;

    /// <param name="isAlone">Whether nobody else is there to be told.</param>
    public PgSignals(long me, Func<NpgsqlConnection> open, Func<bool> isAlone, TimeProvider clock, ILogger logger) =>
        (_me, _open, _isAlone, _clock, _logger) = (me, open, isAlone, clock, logger);

    public required Action<long, IReadOnlyCollection<string>?> OnEvents { get; init; }

    public required Action<LaneKey, long> OnLane { get; init; }

    public required Action OnLook { get; init; }

    public required Action<NodeRequest> OnAsked { get; init; }

    /// <summary>Signals may have been missed.</summary>
    public required Action OnMissed { get; init; }

    public void Start()
    {
        _ = Task.Run(SendAsync);
        _ = Task.Run(ListenAsync);
        _ = Task.Run(SweepAsync);
    }

    public void Events(long last, IReadOnlyCollection<string> tenants) =>
        Put(unsent =>
        {
            unsent.Last = Math.Max(unsent.Last, last);
            unsent.Tenants.UnionWith(tenants);
        });

    public void Lane(LaneKey lane, long due) =>
        Put(unsent => unsent.Lanes[lane.Number] = Math.Min(due, unsent.Lanes.GetValueOrDefault(lane.Number, long.MaxValue)));

    public void Look() => Put(static unsent => unsent.Look = true);

    public void Ask(NodeRequest request) => Put(unsent => unsent.Asked.Add(request));

    /// <summary>The text of a signal that makes the others look at once.</summary>
    public static string LookOf(long node) => Text(new(node) { Look = true });

    /// <summary>They close their connections as they end, which nobody has to wait for.</summary>
    public void Dispose() => _stop.Cancel();

    private void Put(Action<Unsent> add)
    {
        lock (_gate)
        {
            if (_isAlone() || _stop.IsCancellationRequested)
                return;
            add(_unsent);
            if (_any.CurrentCount == 0)
                _any.Release();
        }
    }

    private async Task SendAsync()
    {
        NpgsqlConnection? connection = null;
        var texts = new Queue<string>();
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (texts.Count == 0)
                {
                    await _any.WaitAsync(_stop.Token);
                    Unsent unsent;
                    lock (_gate)
                        (unsent, _unsent) = (_unsent, new());
                    foreach (var text in Texts(unsent))
                        texts.Enqueue(text);
                }

                connection ??= _open();
                while (texts.TryPeek(out var text))
                {
                    await using var command = new NpgsqlCommand("SELECT pg_notify($1, $2)", connection);
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Channel });
                    command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = text });
                    await command.ExecuteNonQueryAsync(_stop.Token);
                    texts.Dequeue();
                }

                await Task.Delay(Pace, _clock, _stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                // What the database did not take because of itself is lost; a beat or a sweep finds it.
                if (PgTrouble.Describe(error) is null && !_stop.IsCancellationRequested)
                {
                    Log.Unexpected(_logger, error);
                    texts.Clear();
                }

                connection?.Dispose();
                connection = null;
                await Task.Delay(AfterTrouble, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        connection?.Dispose();
    }

    private async Task ListenAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = _open();
                connection.Notification += (_, news) => Hear(news.Payload);
                await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
                    await listen.ExecuteNonQueryAsync(_stop.Token);
                _hears = true;
                OnMissed();
                while (true)
                {
                    if (await connection.WaitAsync(Quiet, _stop.Token))
                        continue;
                    await using var asked = new NpgsqlCommand("SELECT 1", connection); // whether anybody is there
                    await asked.ExecuteNonQueryAsync(_stop.Token);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                // It ends.
            }
            catch (Exception error)
            {
                if (PgTrouble.Describe(error) is null && !_stop.IsCancellationRequested)
                    Log.Unexpected(_logger, error);
                _hears = false;
                await Task.Delay(AfterTrouble, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task SweepAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await Task.Delay(_hears ? SweepEvery : SweepDeaf, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!_stop.IsCancellationRequested && !_isAlone())
                OnMissed();
        }
    }

    private void Hear(string text)
    {
        Signal? signal;
        try
        {
            signal = JsonSerializer.Deserialize(text, SignalJson.Default.Signal);
        }
        catch (JsonException error)
        {
            Log.Unreadable(_logger, error.Message);
            return;
        }

        if (signal is null || signal.From == _me)
            return;
        if (signal.Last is { } last)
            OnEvents(last, signal.Tenants);
        foreach (var (lane, due) in signal.Lanes ?? [])
            OnLane(new(lane), due);
        if (signal.Look)
            OnLook();
        foreach (var request in (signal.Asked ?? []).OfType<NodeRequest>())
            OnAsked(request);
    }

    private IEnumerable<string> Texts(Unsent unsent)
    {
        foreach (var lanes in unsent.Lanes.Chunk(MostLanes).Skip(1))
            yield return Text(new(_me) { Lanes = lanes.ToDictionary() });
        yield return Text(
            new(_me)
            {
                Last = unsent.Last == 0 ? null : unsent.Last,
                Tenants =
                    unsent.Last == 0 || unsent.Tenants.Sum(static tenant => tenant.Length + 3) > MostTenants * 64
                        ? null
                        : [.. unsent.Tenants],
                Lanes = unsent.Lanes.Count == 0 ? null : unsent.Lanes.Take(MostLanes).ToDictionary(),
                Look = unsent.Look,
            }
        );
        foreach (var request in unsent.Asked)
            yield return Text(new(_me) { Asked = [request] });
    }

    private static string Text(Signal signal) => JsonSerializer.Serialize(signal, SignalJson.Default.Signal);

    private sealed class Unsent
    {
        public long Last { get; set; }

        public HashSet<string> Tenants { get; } = new(StringComparer.Ordinal);

        public Dictionary<int, long> Lanes { get; } = [];

        public bool Look { get; set; }

        public HashSet<NodeRequest> Asked { get; } = [];
    }

    private static partial class Log
    {
        [LoggerMessage(736, LogLevel.Error, "The signals of nodes met an unexpected error; they go on in a second")]
        public static partial void Unexpected(ILogger logger, Exception fault);

        [LoggerMessage(735, LogLevel.Warning, "A signal of another node cannot be read, perhaps because of its version: {Reason}")]
        public static partial void Unreadable(ILogger logger, string reason);
    }
}

/// <summary>What a node tells the others, as JSON; what a node does not know it leaves alone.</summary>
/// <param name="From">Its session.</param>
internal sealed record Signal(long From)
{
    /// <summary>The position of the last event.</summary>
    public long? Last { get; init; }

    /// <summary>Whose events were committed; null: perhaps anybody's.</summary>
    public string[]? Tenants { get; init; }

    /// <summary>Lanes with new mail, and when it is due.</summary>
    public Dictionary<int, long>? Lanes { get; init; }

    /// <summary>Something of the nodes or of what is configured has changed.</summary>
    public bool Look { get; init; }

    public NodeRequest[]? Asked { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault
)]
[JsonSerializable(typeof(Signal))]
internal sealed partial class SignalJson : JsonSerializerContext;
