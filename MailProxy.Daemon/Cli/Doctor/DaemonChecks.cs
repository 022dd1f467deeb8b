using System.Globalization;
using System.Text.Json.Nodes;
using MailProxy.Daemon.Cli.Output;
using MailProxy.Daemon.Client;

namespace MailProxy.Daemon.Cli.Doctor;

/// <summary>Looks at the daemon itself: whether it answers, takes mail, sends it, and has the right time.</summary>
internal static class DaemonChecks
{
    public const string Daemon = "daemon";
    public const string Connection = "connection";

    private static readonly TimeSpan ClockOff = TimeSpan.FromSeconds(10);

    public static async IAsyncEnumerable<Finding> FindAsync(Call call)
    {
        var (status, trouble) = await StatusAsync(call);
        if (status is null)
        {
            yield return trouble!;
            yield break;
        }

        yield return new(Health.Ok, Daemon, Connection, $"answers at {call.Daemon.Address.Shown}.");
        yield return Version(Cell.Text(status, "version"));
        yield return Clock(call, status);
        foreach (var finding in Readiness(status))
            yield return finding;
    }

    private static async Task<(JsonNode?, Finding?)> StatusAsync(Call call)
    {
        try
        {
            return (await call.Daemon.GetAsync("v1/status", call.Stop), null);
        }
        catch (DaemonException error)
        {
            return (null, new(Health.Problem, Daemon, Connection, error.Message.Split('\n')[0]));
        }
    }

    private static Finding Version(string running)
    {
        var own = Usage.Version.Split(' ')[^1];
        return running == own
            ? new(Health.Ok, Daemon, "version", $"{running}, the same as this program.")
            : new(
                Health.Warning,
                Daemon,
                "version",
                $"{running}, and this program is {own}.",
                "Restart the daemon, or use the program of its version."
            );
    }

    // The daemon's clock against that of this machine: they are one where it is the same machine, and then the machine says whether it
    // keeps time.
    private static Finding Clock(Call call, JsonNode status)
    {
        var started = DateTimeOffset.Parse((string)status["started_at"]!, CultureInfo.InvariantCulture);
        var there = started + TimeSpan.FromSeconds(status["uptime_seconds"]!.GetValue<double>());
        var off = (there - call.Clock.GetUtcNow()).Duration();
        if (off > ClockOff)
            return new(
                Health.Warning,
                Daemon,
                "clock",
                $"it differs from that of this machine by {off.TotalSeconds:0} s, or was set since the start.",
                "Let both machines keep time: timedatectl set-ntp true"
            );
        const string TimeSync = "/run/systemd/timesync";
        return call.Settings is not null && Directory.Exists(TimeSync) && !File.Exists(Path.Combine(TimeSync, "synchronized"))
            ? new(Health.Warning, Daemon, "clock", "this machine does not keep time by NTP.", "timedatectl set-ntp true")
            : new(Health.Ok, Daemon, "clock", "right.");
    }

    private static IEnumerable<Finding> Readiness(JsonNode status)
    {
        foreach (var reason in status["not_ready"] as JsonArray ?? [])
            yield return new(Health.Problem, Daemon, Cell.Text(reason, "code"), Cell.Text(reason, "detail"));
        if (Cell.Flag(status, "ready"))
            yield return new(Health.Ok, Daemon, "ready", "it takes mail.");
        if (Cell.Flag(status, "suspended"))
            yield return new(Health.Problem, Daemon, "sending", "a person has suspended it.", "mailproxy dispatcher activate");
        if (Cell.Number(status, "queue.overdue") is > 0 and var overdue)
            yield return new(Health.Warning, Daemon, "queue", $"{overdue} messages are overdue.", "mailproxy messages list status:queued");
        var (free, floor) = (Cell.Number(status, "disk.free_bytes"), Cell.Number(status, "disk.floor_bytes"));
        yield return free > 2 * floor
            ? new(Health.Ok, Daemon, "disk", $"{Cell.Bytes(free)} free.")
            : new(
                free > floor ? Health.Warning : Health.Problem,
                Daemon,
                "disk",
                $"{Cell.Bytes(free)} free; below {Cell.Bytes(floor)} nothing is taken.",
                "Free space, or shorten how long bodies are kept (docs/operate/retention.md)."
            );
    }
}
