using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Load;

/// <summary>What it costs to wait.</summary>
internal static class IdleScenario
{
    public static async Task<LoadSection> RunAsync(LoadBench bench)
    {
        var scheduled = bench.Options.Scale(10_000, 1_000);
        var seconds = bench.Options.Scale(60, 5);
        using var daemon = await bench.StartAsync(DaemonProcess.FreePort());
        await daemon.FillAsync(scheduled, 2_000, $",\"send_at\":\"{DateTime.UtcNow.AddDays(1):yyyy-MM-ddTHH:mm:ssZ}\"");

        // What follows a burst of work (compiling hot code, giving memory back) is not waiting.
        await Task.Delay(TimeSpan.FromSeconds(bench.Options.Scale(20, 2)));
        var cpu = CpuTime.Of(daemon.Process.Id);
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        var share = (CpuTime.Of(daemon.Process.Id) - cpu) / seconds * 100;
        return new(
            "idle",
            "Idle",
            $"{scheduled:N0} messages scheduled for tomorrow, nothing to do: **{share:0.00} %** of a core over {seconds} s.",
            [Target.Below($"idle with {scheduled:N0} scheduled", 0.5, share, " % of a core")]
        );
    }
}
