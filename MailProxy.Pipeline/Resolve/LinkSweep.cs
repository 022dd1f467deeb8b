using MailProxy.Pipeline.Configuration.Volumes;
using MailProxy.Pipeline.Disk;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Removes expired linked files from their volumes. The due removals are in the store, so a restart forgets none; a removal that fails is
/// retried with a growing delay.
/// </summary>
internal sealed partial class LinkSweep(ILinkStore store, CurrentVolumes volumes, VolumeWriter writer, TimeProvider clock, ILogger logger)
{
    private const int Slice = 100;

    private static readonly TimeSpan First = TimeSpan.FromMinutes(5),
        Longest = TimeSpan.FromHours(6);

    // Nothing signals a new link. A link lives for a day at least, so sleeping an hour is never too long, and it notices a changed clock.
    private static readonly TimeSpan Look = TimeSpan.FromHours(1);

    /// <summary>Sweeps until <paramref name="stop"/>.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                var wait = Look;
                try
                {
                    wait = await SweepAsync(stop);
                }
                catch (StoreUnavailableException error)
                {
                    Log.StoreTrouble(logger, error);
                    wait = First;
                }
                catch (Exception error) when (error is not OperationCanceledException || !stop.IsCancellationRequested)
                {
                    // Whatever a stored row caused: the sweep continues, and mail never waits for it.
                    Log.Broken(logger, error);
                    wait = First;
                }

                await Task.Delay(wait, clock, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // What is left is due at the next start.
        }
    }

    /// <summary>Removes all that is due. Returns the time until the next removal.</summary>
    public async Task<TimeSpan> SweepAsync(CancellationToken stop)
    {
        // A volume with an error is tried once per sweep, so that the files of other volumes do not wait behind each of its own.
        var troubled = new Dictionary<(string Tenant, string Volume), string>();
        while (await store.TakeRemovalsAsync(Now, Slice) is { Count: > 0 } due)
        {
            foreach (var one in due)
                await RemoveAsync(one, troubled, stop);
        }

        if (await store.NextRemovalAsync() is not { } next)
            return Look;
        var wait = TimeSpan.FromMilliseconds(Math.Max(1, next - Now));
        return wait < Look ? wait : Look;
    }

    private async Task RemoveAsync(LinkObject one, Dictionary<(string Tenant, string Volume), string> troubled, CancellationToken stop)
    {
        var volume = (one.Content.VolumeTenant, one.Content.Volume);
        var known = troubled.GetValueOrDefault(volume);
        if ((known ?? await TroubleAsync(one, stop)) is { } trouble)
        {
            troubled[volume] = trouble;
            var wait = First * Math.Min(Math.Pow(2, Math.Clamp(one.Tries, 0, 20)), Longest / First);
            if (known is null)
                Log.NotRemoved(logger, one.Key, one.Content.VolumeTenant, one.Content.Volume, trouble, wait);
            await store.NotRemovedAsync(one.Number, Now + (long)wait.TotalMilliseconds);
            return;
        }

        await store.RemovedAsync(one.Number);
    }

    /// <summary>Removes one file. Null: it is removed, or is left where it is for good.</summary>
    private async Task<string?> TroubleAsync(LinkObject one, CancellationToken stop)
    {
        var content = one.Content;
        if (volumes.Directory.IsDamaged(content.VolumeTenant, content.Volume))
            return "its stored configuration cannot be read";
        try
        {
            if (
                volumes.Directory.FindOwn(content.VolumeTenant, content.Volume) is not { } volume
                || LinkAddress.Location(volume.Config) != content.Place
            )
            {
                Log.Left(logger, one.Key, content.VolumeTenant, content.Volume);
                return null;
            }

            await writer.RemoveAsync(volume, one.Key, stop);
            return null;
        }
        catch (SourceException error)
        {
            if (volumes.Directory.FindOwn(content.VolumeTenant, content.Volume) is { } known)
                volumes.Failed(known, error.Message, Now);
            return error.Message;
        }
        catch (Exception error) when (error is not OperationCanceledException || !stop.IsCancellationRequested)
        {
            // A single row that cannot be processed must not keep the others from being removed.
            Log.Unforeseen(logger, one.Key, error);
            return "an unexpected error.";
        }
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(
            442,
            LogLevel.Warning,
            "The linked file {Key} could not be removed from the volume {Tenant}/{Volume}: {Trouble} Next try in {Wait}"
        )]
        public static partial void NotRemoved(ILogger logger, string key, string tenant, string volume, string trouble, TimeSpan wait);

        [LoggerMessage(
            443,
            LogLevel.Warning,
            "The linked file {Key} is left where it is: the volume {Tenant}/{Volume} was deleted or moved"
        )]
        public static partial void Left(ILogger logger, string key, string tenant, string volume);

        [LoggerMessage(444, LogLevel.Warning, "The sweep of linked files waits until the store is available")]
        public static partial void StoreTrouble(ILogger logger, Exception trouble);

        [LoggerMessage(446, LogLevel.Error, "The sweep of linked files failed unexpectedly; it continues in five minutes")]
        public static partial void Broken(ILogger logger, Exception trouble);

        [LoggerMessage(447, LogLevel.Error, "Removing the linked file {Key} failed unexpectedly")]
        public static partial void Unforeseen(ILogger logger, string key, Exception trouble);
    }
}
