using System.Text;
using MailProxy.Tests.Support;

namespace MailProxy.Tests.EndToEnd.Servers;

/// <summary>Postfix's smtp-sink, which takes everybody, or nobody. Offers PIPELINING, and no CHUNKING.</summary>
internal sealed class RealSink(bool refuses) : RealServer
{
    private readonly TempDirectory _directory = new();
    private SmtpSink? _sink;

    public override int Port => _sink!.Port;

    public override bool TakesFrom(string sender) => true;

    public override bool TakesFor(string recipient) => !refuses;

    public override IReadOnlyList<Arrival> Arrived() =>
        [
            .. _sink!
                .Messages()
                .SelectMany(mail => mail.Recipients.Select(recipient => new Arrival(mail.Sender, recipient, Octets(mail.Dump)))),
        ];

    public override async ValueTask DisposeAsync()
    {
        if (_sink is not null)
            await _sink.DisposeAsync();
        _directory.Dispose();
    }

    protected override async Task BeginAsync()
    {
        // It becomes another user, who must be able to walk through.
        if (Environment.IsPrivilegedProcess)
            await Run.AsRootAsync("chmod", "755", _directory.Path);
        string[] tricks = refuses ? ["-f", "RCPT", "-B", "550 5.1.1 who"] : [];
        _sink = new(Path.Combine(_directory, "sink"), tricks);
        await _sink.StartAsync();
    }

    // A dump has lost the CR of each line end, and ends with an empty line of its own.
    private static byte[] Octets(byte[] dump) =>
        Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(dump.AsSpan()[..^1]).Replace("\n", "\r\n", StringComparison.Ordinal));
}
