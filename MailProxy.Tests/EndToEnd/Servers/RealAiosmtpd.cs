using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.EndToEnd.Servers;

/// <summary>Python's aiosmtpd, from Debian's python3-aiosmtpd. Offers neither PIPELINING nor CHUNKING.</summary>
internal sealed class RealAiosmtpd : RealServer
{
    private const string Program = """
        import asyncio, base64, json, sys
        from aiosmtpd.smtp import SMTP

        class Handler:
            async def handle_MAIL(self, server, session, envelope, address, options):
                if address.startswith('refused@'): return '550 5.7.1 not you'
                envelope.mail_from = address
                return '250 2.1.0 ok'

            async def handle_RCPT(self, server, session, envelope, address, options):
                if address.startswith('refused@'): return '550 5.1.1 who'
                envelope.rcpt_tos.append(address)
                return '250 2.1.5 ok'

            async def handle_DATA(self, server, session, envelope):
                data = base64.b64encode(envelope.content).decode()
                print(json.dumps([envelope.mail_from, envelope.rcpt_tos, data]), flush=True)
                return '250 2.0.0 taken'

        async def main():
            server = await asyncio.get_running_loop().create_server(lambda: SMTP(Handler(), enable_SMTPUTF8=True), '127.0.0.1', 0)
            print(server.sockets[0].getsockname()[1], flush=True)
            asyncio.get_running_loop().run_in_executor(None, sys.stdin.read).add_done_callback(lambda _: server.close())
            try: await server.serve_forever()
            except asyncio.CancelledError: pass

        asyncio.run(main())
        """;

    private readonly ConcurrentQueue<Arrival> _arrived = [];
    private Process? _process;
    private int _port;

    public override int Port => _port;

    public override IReadOnlyList<Arrival> Arrived() => [.. _arrived];

    public override async ValueTask DisposeAsync()
    {
        if (_process is null)
            return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    protected override async Task BeginAsync()
    {
        var port = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);

        // Debian's own Python, whatever else is on the path.
        var info = Run.Info("/usr/bin/python3", "-c", Program);
        info.RedirectStandardError = false;
        _process = new() { StartInfo = info };
        _process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                port.TrySetException(new InvalidOperationException("aiosmtpd ended"));
            else if (!port.Task.IsCompleted)
                port.SetResult(int.Parse(line.Data));
            else
                Note(line.Data);
        };
        _process.Start();
        _process.BeginOutputReadLine();
        _port = await port.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private void Note(string line)
    {
        using var json = JsonDocument.Parse(line);
        var (sender, data) = (json.RootElement[0].GetString()!, json.RootElement[2].GetBytesFromBase64());
        foreach (var recipient in json.RootElement[1].EnumerateArray())
            _arrived.Enqueue(new(sender, recipient.GetString()!, data));
    }
}
