using MailProxy.Tests.Support;

namespace MailProxy.Tests.Send.Servers;

/// <summary>Postfix's smtp-sink: its options say what it refuses, so each part is a process of its own.</summary>
internal sealed class PlayingSink : PlayingServer
{
    private readonly List<SmtpSink> _sinks = [];
    private readonly List<TempDirectory> _directories = [];

    public override async Task<Stage> PlayAsync(string phase, string reply)
    {
        var command = phase switch
        {
            "DOT" => ".",
            "EHLO" => "EHLO,HELO",
            _ => phase,
        };

        // Without PIPELINING where it hangs up: else the replies before may be lost with the connection.
        string[] tricks = reply switch
        {
            Ordinary => [],
            Drop => ["-p", "-q", command],
            "421" => ["-p", "-Q", command],
            ['4', ..] => ["-r", command, "-b", $"{reply} 4.3.0 not now"],
            _ => ["-f", command, "-B", $"{reply} 5.7.1 never"],
        };
        _directories.Add(new());
        var sink = new SmtpSink(Path.Combine(_directories[^1], "sink"), tricks);
        _sinks.Add(sink);

        // It becomes another user, who must be able to walk through.
        if (Environment.IsPrivilegedProcess)
            await Run.AsRootAsync("chmod", "755", _directories[^1].Path);
        await sink.StartAsync();
        return new(sink.Port, "a@x.test", "bob@y.test");
    }

    public override async ValueTask DisposeAsync()
    {
        foreach (var sink in _sinks)
            await sink.DisposeAsync();
        foreach (var directory in _directories)
            directory.Dispose();
    }
}
