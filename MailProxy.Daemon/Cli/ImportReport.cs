using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MailProxy.Daemon.Genro.Import;
using MailProxy.Daemon.Hosting;
using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Cli;

/// <summary>Tells what an import did, what it left out and why, and which hosts the network policy has to allow.</summary>
internal sealed class ImportReport(TextWriter output)
{
    public async Task WriteAsync(ImportTally tally, bool isTrial, DaemonSettings settings)
    {
        await output.WriteLineAsync(isTrial ? "A trial: nothing was written. It would import:" : "Imported:");
        foreach (var (what, count) in tally.Counts)
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"  {count} {what}"));
        foreach (var note in tally.Notes)
            await output.WriteLineAsync(OneLine.Quote(note));
        await WriteLeftOutAsync(tally);
        await WriteHostsAsync(tally, settings);
    }

    private async Task WriteLeftOutAsync(ImportTally tally)
    {
        if (!tally.Reasons.Any())
            return;
        await output.WriteLineAsync("Left out:");
        foreach (var (kind, why, count) in tally.Reasons)
            await output.WriteLineAsync(
                string.Create(CultureInfo.InvariantCulture, $"  {count} {OneLine.Quote(kind)}: {OneLine.Quote(why)}")
            );
        await output.WriteLineAsync("The first of them:");
        foreach (var one in tally.Listed)
            await output.WriteLineAsync($"  {one.Kind} {OneLine.Quote(one.Name)}: {OneLine.Quote(one.Why)}");
    }

    private async Task WriteHostsAsync(ImportTally tally, DaemonSettings settings)
    {
        var hosts = new PrivateHosts(new NetworkPolicy(settings.Network), Dns.GetHostAddressesAsync, TimeProvider.System);
        var (refused, unknown) = await hosts.FindAsync(tally.Hosts);
        if (refused.Count > 0)
            await output.WriteLineAsync("These hosts are private. The daemon connects to them when these settings are made:");
        var index = settings.Network.Allowed.Length;
        foreach (var (host, address) in refused)
        {
            var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
            await output.WriteLineAsync($"  MAILPROXY_NETWORK__ALLOWED__{index++}={address}/{bits}    # {OneLine.Quote(host)}");
        }

        if (tally.Hosts.Count > PrivateHosts.MostAsked)
            await output.WriteLineAsync($"There are more than {PrivateHosts.MostAsked} hosts; the others were not looked up.");
        foreach (var host in unknown)
            await output.WriteLineAsync($"The addresses of {OneLine.Quote(host)} could not be found; it may be private too.");
    }
}
