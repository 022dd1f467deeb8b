using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MailProxy.Benchmarks.Support;

namespace MailProxy.Benchmarks.Nodes;

/// <summary>
/// Posts a mail every so often to the nodes in turn, as behind a proxy that does not ask who is there; on a refusal or a failed connection
/// again, with the same id, to the next node.
/// </summary>
internal sealed class UpgradeClient(IReadOnlyList<Uri> nodes, int number, TimeSpan every, int accounts, UpgradeTally tally)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);
    private static readonly string Text = new('x', 500);

    private readonly HttpLane?[] _lanes = new HttpLane?[nodes.Count];

    public async Task RunAsync(CancellationToken stop)
    {
        var begun = Stopwatch.GetTimestamp();
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            await PostAsync((number + i) % accounts, i);
            var early = (every * (i + 1)) - Stopwatch.GetElapsedTime(begun);
            if (early > TimeSpan.Zero)
                await Task.Delay(early, CancellationToken.None);
        }

        foreach (var lane in _lanes)
            lane?.Dispose();
    }

    private async Task PostAsync(int account, int i)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"u{account}-{number}-{i}");
        var body = Encoding.ASCII.GetBytes(
            $$"""{"id":"{{id}}","account":"a{{account}}","from":"upgrade@example.com","to":"{{id}}@example.net","subject":"{{id}}","text":"{{Text}}"}"""
        );
        var request = HttpLane.Request("/v1/messages", body, DaemonProcess.Key);
        var begun = Stopwatch.GetTimestamp();
        while (true)
        {
            for (var at = 0; at < nodes.Count; at++)
            {
                if (!await TryAsync((number + i + at) % nodes.Count, request))
                    continue;
                tally.Acknowledge(account, id, Stopwatch.GetElapsedTime(begun));
                return;
            }

            tally.RefusedByAll();
            await Task.Delay(TimeSpan.FromMilliseconds(50), CancellationToken.None);
        }
    }

    private async Task<bool> TryAsync(int node, byte[] request)
    {
        try
        {
            var lane = _lanes[node] ??= await HttpLane.ConnectAsync(nodes[node]);
            var status = await lane.SendAsync(request).AsTask().WaitAsync(Longest);
            var code = status is 200 or 202 ? "" : Encoding.UTF8.GetString(lane.Body);
            if (lane.Closes)
                Forget(node);

            // A conflict says that the id is being sent or was sent: a node took it, and the answer was lost.
            if (status is 200 or 202 or 409)
            {
                if (status == 409)
                    tally.NotTaken("409, which says that another node had taken it");
                return true;
            }

            tally.NotTaken(string.Create(CultureInfo.InvariantCulture, $"{status} {Code(code)}"));
            return status is >= 500 or 429 ? false : throw new InvalidOperationException($"{status}: {code}");
        }
        catch (Exception error) when (error is SocketException or IOException or TimeoutException)
        {
            tally.NotTaken(error is SocketException socket ? $"connection: {socket.SocketErrorCode}" : $"connection: {error.Message}");
            Forget(node);
            return false;
        }
    }

    private static string Code(string body)
    {
        var at = body.IndexOf("\"code\":\"", StringComparison.Ordinal);
        return at < 0 ? "" : body[(at + 8)..body.IndexOf('"', at + 8)];
    }

    private void Forget(int node)
    {
        _lanes[node]?.Dispose();
        _lanes[node] = null;
    }
}
