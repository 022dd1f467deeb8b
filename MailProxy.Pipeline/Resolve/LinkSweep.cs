using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Storage;
using Microsoft.Extensions.Logging;

namespace MailProxy.Pipeline.Resolve;

/// <summary>
/// Removes linked files from their volumes when their time is over. What is due stands in the store, so that a restart forgets nothing;
/// what fails is tried again, ever more rarely.
/// </summary>
internal sealed partial class LinkSweep(ILinkStore store, CurrentVolumes volumes, VolumeWriter writer, TimeProvider clock, ILogger logger)
{
    private const int Slice = 100;

    private static readonly TimeSpan First = TimeSpan.FromMinutes(5),
        Longest = TimeSpan.FromHours(6);

    // Nothing tells of a new link, whose life is a day at least, so an hour's sleep is never too long; and a clock that was set is noticed.
    private static readonly TimeSpan Look = TimeSpan.FromHours(1);

    /// <summary>Until <paramref name="stop"/>.</summary>
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
                    // Whatever a stored row made of it: the sweep goes on, and mail never waits for it.
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

    /// <summary>Removes all that is due. Answers how long nothing will be.</summary>
    public async Task<TimeSpan> SweepAsync(CancellationToken stop)
    {
        // A volume that is in trouble is asked once, so that the others' files do not wait behind each of its own.
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

    /// <summary>Null: it is gone, or stays where it is for good.</summary>
    private async Task<string?> TroubleAsync(LinkObject one, CancellationToken stop)
    {
        var content = one.Content;
        try
        {
            if (
                volumes.Directory.FindOwn(content.VolumeTenant, content.Volume) is not { } volume
                || LinkAddress.Place(volume.Config) != content.Place
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
            // One row that nobody can make sense of must not keep the others where they are.
            Log.Unforeseen(logger, one.Key, error);
            return "an error nobody foresaw.";
        }
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static partial class Log
    {
        [LoggerMessage(
            442,
            LogLevel.Warning,
            "The linked file {Key} could not be removed from the volume {Tenant}/{Volume}: {Trouble} Again in {Wait}"
        )]
        public static partial void NotRemoved(ILogger logger, string key, string tenant, string volume, string trouble, TimeSpan wait);

        [LoggerMessage(
            443,
            LogLevel.Warning,
            "The linked file {Key} stays where it is: the volume {Tenant}/{Volume} is gone, or elsewhere now"
        )]
        public static partial void Left(ILogger logger, string key, string tenant, string volume);

        [LoggerMessage(444, LogLevel.Warning, "The sweep of linked files waits for the store")]
        public static partial void StoreTrouble(ILogger logger, Exception trouble);

        [LoggerMessage(446, LogLevel.Error, "The sweep of linked files met an error nobody foresaw; it goes on in five minutes")]
        public static partial void Broken(ILogger logger, Exception trouble);

        [LoggerMessage(447, LogLevel.Error, "The linked file {Key} met an error nobody foresaw when it was to be removed")]
        public static partial void Unforeseen(ILogger logger, string key, Exception trouble);
    }
}
