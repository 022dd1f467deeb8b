using System.Diagnostics;
using MimeKit;

namespace MailProxy.Tests.Support;

/// <summary>One mail that smtp-sink took.</summary>
/// <param name="MailKey">The X-Mail-Key header, <c>tenant/id</c>, or null.</param>
/// <param name="Dump">As it was written down, without CR, with an empty line at its end.</param>
internal sealed record SinkMessage(
    string? MailKey,
    string? MessageId,
    string Sender,
    IReadOnlyList<string> Recipients,
    MimeMessage Message,
    byte[] Dump
);

/// <summary>
/// Postfix's own smtp-sink on a loopback port of its own, each mail dumped to a file. Can be killed and started again on the same port.
/// </summary>
/// <param name="tricks">Options that make it misbehave, as its manual has them.</param>
internal sealed class SmtpSink(string directory, params string[] tricks) : IAsyncDisposable
{
    private Process? _process;

    public int Port { get; } = FreePort.Take();

    public async Task StartAsync()
    {
        if (_process is not null)
            throw new InvalidOperationException("The sink runs already");
        Directory.CreateDirectory(directory);
        string[] user = [];
        if (Environment.IsPrivilegedProcess)
        {
            // As root it insists on becoming somebody else, who must be able to write here.
            user = ["-u", "postfix"];
            await Run.AsRootAsync("chown", "postfix", directory);
        }

        var info = Run.Info("smtp-sink", [.. user, .. tricks, "-d", Path.Combine(directory, "mail."), $"127.0.0.1:{Port}", "1000"]);
        info.RedirectStandardOutput = info.RedirectStandardError = false;
        _process = Process.Start(info)!;
        await Listening.UntilAsync(_process, Port);
    }

    /// <summary>SIGKILL: connections break, and what was on its way is lost.</summary>
    public async Task KillAsync()
    {
        if (_process is null)
            return;
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>
    /// The mails that it took whole, in no order. A mail on its way when the sink was killed leaves a dump without the empty line at its
    /// end.
    /// </summary>
    public IReadOnlyList<SinkMessage> Messages() =>
        [.. Directory.EnumerateFiles(directory).Select(File.ReadAllBytes).Where(dump => dump.AsSpan().EndsWith("\n\n"u8)).Select(Parse)];

    public async ValueTask DisposeAsync() => await KillAsync();

    private static SinkMessage Parse(byte[] dump)
    {
        using var stream = new MemoryStream(dump);
        var message = MimeMessage.Load(stream);
        return new SinkMessage(
            message.Headers["X-Mail-Key"],
            message.Headers["Message-ID"],
            Bare(message.Headers["X-Mail-Args"]),
            [.. message.Headers.Where(header => header.Field == "X-Rcpt-Args").Select(header => Bare(header.Value))],
            message,
            dump
        );

        static string Bare(string? path) =>
            path?[(path.IndexOf('<') + 1)..path.IndexOf('>')] ?? throw new InvalidDataException("Not a dump of smtp-sink");
    }
}
