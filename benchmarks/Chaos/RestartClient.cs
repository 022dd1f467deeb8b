using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Chaos;

/// <summary>
/// A client that posts a mail every so often over a connection that it keeps, and on a connection failure once more a little later, if it
/// tries again at all.
/// </summary>
internal sealed class RestartClient(Uri server, int number, TimeSpan every, TimeSpan? secondTry, RestartTally tally)
{
    private HttpLane? _lane;

    public async Task RunAsync(CancellationToken stop)
    {
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            await PostAsync($"r{number}-{i}");
            var early = (every * (i + 1)) - Stopwatch.GetElapsedTime(begun);
            if (early > TimeSpan.Zero)
                await Task.Delay(early, CancellationToken.None);
        }

        _lane?.Dispose();
    }

    private async Task PostAsync(string id)
    {
        var body = Encoding.ASCII.GetBytes(
            $$"""{"id":"{{id}}","account":"sink","from":"restart@example.com","to":"{{id}}@example.net","subject":"restart {{id}}","text":"{{new string('x', 500)}}"}"""
        );
        var request = HttpLane.Request("/v1/messages", body, DaemonProcess.Key);
        if (await TryAsync(request) is not { } status)
        {
            if (secondTry is not { } wait)
            {
                tally.SeenByTheClient("connection");
                return;
            }

            await Task.Delay(wait, CancellationToken.None);
            if (await TryAsync(request) is not { } second)
            {
                tally.SeenByTheClient("connection, twice");
                return;
            }

            status = second;
        }

        if (status is 200 or 202)
            tally.Acknowledge(id);
        else
            tally.SeenByTheClient(status.ToString(CultureInfo.InvariantCulture));
    }

    // Null: the connection failed, whether before the request was written or before it was answered.
    private async Task<int?> TryAsync(byte[] request)
    {
        try
        {
            _lane ??= await HttpLane.ConnectAsync(server);
            var status = await _lane.SendAsync(request);
            if (_lane.Closes)
                Forget();
            return status;
        }
        catch (Exception error) when (error is SocketException or IOException)
        {
            tally.Failed(error.Message);
            Forget();
            return null;
        }
    }

    private void Forget()
    {
        _lane?.Dispose();
        _lane = null;
    }
}

/// <summary>What the clients of a run saw. From any thread.</summary>
internal sealed class RestartTally
{
    private readonly ConcurrentQueue<long> _answers = new();
    private readonly ConcurrentDictionary<string, int> _failures = [];
    private readonly ConcurrentDictionary<string, int> _seen = [];

    public ConcurrentDictionary<string, bool> Acknowledged { get; } = [];

    /// <summary>Connection failures, tried again or not.</summary>
    public int Failures => _failures.Values.Sum();

    /// <summary>Requests whose client was left with an error.</summary>
    public int Seen => _seen.Values.Sum();

    /// <summary>What failed how often.</summary>
    public string Details =>
        string.Join(
            "; ",
            _failures
                .Concat(_seen.Select(static one => KeyValuePair.Create("left with " + one.Key, one.Value)))
                .Select(one => $"{one.Key}: {one.Value}")
        );

    public void Failed(string why) => _failures.AddOrUpdate(why, 1, static (_, times) => times + 1);

    public void SeenByTheClient(string what) => _seen.AddOrUpdate(what, 1, static (_, times) => times + 1);

    public void Acknowledge(string id)
    {
        Acknowledged[id] = true;
        _answers.Enqueue(Stopwatch.GetTimestamp());
    }

    /// <summary>The longest time in which nothing was acknowledged, since the last call.</summary>
    public TimeSpan LongestPause()
    {
        var longest = TimeSpan.Zero;
        long? before = null;
        while (_answers.TryDequeue(out var at))
        {
            if (before is { } last && Stopwatch.GetElapsedTime(last, at) is var pause && pause > longest)
                longest = pause;
            before = at;
        }

        return longest;
    }
}
