using System.Diagnostics;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.Send.Servers;

/// <summary>Python's aiosmtpd, from Debian's python3-aiosmtpd: the addresses say what it answers, and where.</summary>
internal sealed class PlayingAiosmtpd : PlayingServer
{
    private const string Program = """
        import asyncio, re, sys
        from aiosmtpd.smtp import SMTP

        def played(phase, address):
            found = re.match(phase + r'(drop|\d{3})@', address or '')
            return found and found.group(1)

        async def play(server, what):
            if what == 'drop':
                server.transport.close()
                await asyncio.Event().wait()
            return f'{what} {what[0]}.7.1 played'

        class Handler:
            async def handle_MAIL(self, server, session, envelope, address, options):
                if what := played('mail', address): return await play(server, what)
                envelope.mail_from = address
                return '250 2.1.0 ok'

            async def handle_RCPT(self, server, session, envelope, address, options):
                if what := played('rcpt', address): return await play(server, what)
                envelope.rcpt_tos.append(address)
                return '250 2.1.5 ok'

            async def handle_DATA(self, server, session, envelope):
                if what := played('dot', envelope.mail_from): return await play(server, what)
                return '250 2.0.0 taken'

        class Server(SMTP):
            async def smtp_DATA(self, arg):
                if what := played('data', self.envelope.mail_from): await self.push(await play(self, what))
                else: await super().smtp_DATA(arg)

        async def main():
            server = await asyncio.get_running_loop().create_server(lambda: Server(Handler(), enable_SMTPUTF8=True), '127.0.0.1', 0)
            print(server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()

        asyncio.run(main())
        """;

    private Process? _process;
    private int _port;

    public override async Task<Stage> PlayAsync(string phase, string reply)
    {
        if (_process is null)
        {
            // Debian's own Python, whatever else is on the path.
            var info = Run.Info("/usr/bin/python3", "-c", Program);
            info.RedirectStandardError = false;
            _process = Process.Start(info)!;
            _port = int.Parse(
                await _process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30))
                    ?? throw new InvalidOperationException("aiosmtpd did not start")
            );
        }

        var player = $"{phase.ToLowerInvariant()}{reply}@play.test";
        return phase == "RCPT" ? new(_port, "a@x.test", player) : new(_port, player, "bob@y.test");
    }

    public override async ValueTask DisposeAsync()
    {
        if (_process is null)
            return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
