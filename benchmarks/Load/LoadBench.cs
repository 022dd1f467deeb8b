using System.Diagnostics;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>What the scenarios share: the published program, a place for data, and the options.</summary>
internal sealed class LoadBench(string program, string place, LoadOptions options)
{
    private int _count;

    public LoadOptions Options => options;

    /// <summary>The published program.</summary>
    public string Program => program;

    /// <summary>A daemon with a data directory of its own and an account <c>sink</c> that leads to this port.</summary>
    /// <param name="settings">By their environment names.</param>
    public async Task<LoadDaemon> StartAsync(int sinkPort, IReadOnlyDictionary<string, string>? settings = null)
    {
        var daemon = NewDaemon(settings);
        await daemon.StartAsync();
        await daemon.Process.PutAccountAsync("sink", sinkPort);
        return daemon;
    }

    /// <summary>One that was never started.</summary>
    public LoadDaemon NewDaemon(IReadOnlyDictionary<string, string>? settings = null)
    {
        var data = Directory.CreateDirectory(Path.Combine(place, $"run{_count++}", "data")).FullName;
        return new(new DaemonProcess(program, data, settings));
    }
}

/// <summary>A daemon under load, and a look into its store.</summary>
internal sealed class LoadDaemon(DaemonProcess process) : IDisposable
{
    private StoreProbe? _store;

    public DaemonProcess Process => process;

    public StoreProbe Store => _store ??= new(process.Data);

    /// <summary>Starts it, also again after a stop, and returns when it is ready.</summary>
    public async Task StartAsync()
    {
        process.Start();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.ReadyAsync(deadline.Token);
    }

    public Task SuspendAsync() => process.PostAsync("/v1/dispatcher/suspend");

    public Task ActivateAsync() => process.PostAsync("/v1/dispatcher/activate");

    public Meter Meter(SmtpSink? sink) => Load.Meter.Of(process.Id, sink?.Id);

    /// <summary>Posts the same request this many times over so many connections. Fails unless each is accepted whole.</summary>
    public Task PostAsync(byte[] body, string path, int requests, int connections, string type = "application/json") =>
        Poster.RunAsync(process.Base, HttpLane.Request(path, body, DaemonProcess.Key, type), requests, connections);

    /// <summary>Posts messages in batches, as fast as they are taken.</summary>
    public Task FillAsync(int messages, int bytes, string? extra = null, int batch = 1_000)
    {
        if (messages % batch != 0)
            throw new ArgumentException("Messages must be a multiple of the batch.");
        return PostAsync(TestMail.Batch(batch, bytes, extra), "/v1/messages/batch", messages / batch, 4);
    }

    /// <summary>How long after the call all content was gone.</summary>
    public async Task<TimeSpan> PurgedAsync()
    {
        var begun = Stopwatch.GetTimestamp();
        await Store.UntilAsync("SELECT NOT EXISTS (SELECT 1 FROM bodies)", TimeSpan.FromMinutes(5));
        return Stopwatch.GetElapsedTime(begun);
    }

    /// <summary>An orderly stop; <see cref="StartAsync"/> starts it again on the same data.</summary>
    public async Task StopAsync()
    {
        _store?.Dispose();
        _store = null;
        var exit = await process.StopAsync();
        if (exit != 0)
            throw new InvalidOperationException($"The daemon exited with {exit}.");
    }

    public void Dispose()
    {
        _store?.Dispose();
        process.Dispose();
        Directory.Delete(Path.GetDirectoryName(process.Data)!, recursive: true);
    }
}

/// <summary>Posts prepared requests over several connections at once.</summary>
internal static class Poster
{
    public static async Task RunAsync(Uri server, ReadOnlyMemory<byte> request, int requests, int connections)
    {
        var left = requests;
        await Task.WhenAll(
            Enumerable
                .Range(0, Math.Min(connections, requests))
                .Select(_ =>
                    Task.Run(async () =>
                    {
                        using var lane = await HttpLane.ConnectAsync(server);
                        while (Interlocked.Decrement(ref left) >= 0)
                        {
                            var status = await lane.SendAsync(request);
                            if (status is not (200 or 202) || lane.Body.IndexOf("\"error\""u8) >= 0)
                            {
                                throw new InvalidOperationException(
                                    $"Refused with {status}: "
                                        + $"{System.Text.Encoding.UTF8.GetString(lane.Body[..Math.Min(1000, lane.Body.Length)])}"
                                );
                            }
                        }
                    })
                )
        );
    }

    /// <summary>How long it took from the first byte to the last answer.</summary>
    public static async Task<TimeSpan> TimeAsync(Func<Task> run)
    {
        var begun = Stopwatch.GetTimestamp();
        await run();
        return Stopwatch.GetElapsedTime(begun);
    }
}
