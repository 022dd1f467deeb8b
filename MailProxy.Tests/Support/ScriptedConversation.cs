using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace MailProxy.Tests.Support;

/// <summary>One connection of a scripted server, from the greeting to its end.</summary>
internal sealed class ScriptedConversation : IDisposable
{
    private readonly ScriptedSmtpServer _server;
    private readonly Socket _socket;
    private readonly int _number;
    private readonly CancellationToken _stop;
    private Stream _stream;
    private WireLines _lines;
    private ReceivedMail _mail;
    private readonly MemoryStream _chunks = new();
    private bool _isSecure,
        _isChunked,
        _isRefused;

    public ScriptedConversation(ScriptedSmtpServer server, Socket socket, int number, CancellationToken stop)
    {
        (_server, _socket, _number, _stop) = (server, socket, number, stop);
        _stream = new NetworkStream(socket, ownsSocket: false);
        _lines = new(_stream);
        _mail = new(number);
    }

    public void Dispose()
    {
        _stream.Dispose();
        _chunks.Dispose();
    }

    public async Task RunAsync()
    {
        if (_server.ImplicitTls && !await SecureAsync())
            return;
        var (verb, line) = ("CONNECT", "");
        while (true)
        {
            Note(verb, line);
            var said = await _server.ReplyAsync(new(_number, verb, line, _mail), Ordinary(verb));
            Settle(verb, said);
            if (!await SayAsync(said) || verb == "QUIT")
                return;
            if (verb == "DOT")
                _server.HasReplied(_mail);
            if (verb == "STARTTLS" && said.Octets.AsSpan().StartsWith("220"u8) && !await SecureAsync())
                return;
            if (verb == "DATA" && said.Octets is [(byte)'3', ..])
            {
                if (!await ReceiveAsync())
                    return;
                (verb, line) = ("DOT", ".");
                continue;
            }

            var isWithinAuth = verb is "AUTH" or "SASL" && said.Octets.AsSpan().StartsWith("334"u8);
            if (await _lines.NextAsync(_stop) is not { } octets)
                return;
            line = Encoding.UTF8.GetString(octets.Span);
            verb = isWithinAuth ? "SASL" : line.Split(' ')[0].ToUpperInvariant();
            if (verb == "BDAT")
            {
                if (await ChunkAsync(line.Split(' ')) is not { } isLast)
                    return;
                verb = isLast ? "DOT" : verb;
            }
        }
    }

    private Said Ordinary(string verb) =>
        verb switch
        {
            "CONNECT" => "220 scripted ESMTP",
            "EHLO" => Offers(),
            "STARTTLS" => "220 go",
            "AUTH" or "SASL" => "235 2.7.0 ok",
            "DATA" => "354 go",
            "BDAT" or "DOT" when _isChunked && (_isRefused || _mail.Accepted.Count == 0) => "503 5.5.1 for whom?",
            "QUIT" => "221 2.0.0 bye",
            _ => "250 2.0.0 ok",
        };

    private string Offers()
    {
        string[] lines =
            _server.StartTls && !_isSecure ? ["scripted", .. _server.Extensions, "STARTTLS"] : ["scripted", .. _server.Extensions];
        return string.Join("\r\n", lines.Select((offer, i) => i == lines.Length - 1 ? $"250 {offer}" : $"250-{offer}"));
    }

    private void Note(string verb, string line)
    {
        if (verb == "MAIL")
        {
            _mail = new(_number) { Sender = Path(line) };
            _chunks.SetLength(0);
            _isChunked = false;
        }

        if (verb == "RCPT")
            _mail.Recipients.Add(Path(line));
        if (verb == "DOT" && !(_isChunked && _mail.Accepted.Count == 0))
            _server.HasReceived(_mail);
    }

    private void Settle(string verb, Said said)
    {
        if (verb == "MAIL")
            _isRefused = said.Octets is not [(byte)'2', ..];
        if (verb == "RCPT" && said.Octets is [(byte)'2', (byte)'5', _, (byte)' ', ..])
            _mail.Accepted.Add(_mail.Recipients[^1]);
        if (verb == "DOT" && IsTaken(said.Octets))
            _server.HasTaken(_mail);
    }

    // A whole code of 200 to 259, as a client would read it.
    private static bool IsTaken(ReadOnlySpan<byte> reply) =>
        reply is [(byte)'2', >= (byte)'0' and <= (byte)'5', >= (byte)'0' and <= (byte)'9', (byte)' ' or (byte)'-' or (byte)'\r', ..];

    private async Task<bool> ReceiveAsync()
    {
        using var data = new MemoryStream();
        for (var isFirst = true; await _lines.NextAsync(_stop) is { } line; isFirst = false)
        {
            if (isFirst && _server.Trick("BODY") is { } trick)
                return await SayAsync(trick);
            if (line.Span is [(byte)'.'])
            {
                _mail.Data = data.ToArray();
                return true;
            }

            Keep(line.Span, data);
        }

        return false;
    }

    // RFC 3030. Whether it was the last chunk; null: the client is gone, or cannot count.
    private async Task<bool?> ChunkAsync(string[] words)
    {
        if (words.Length is not (2 or 3) || !long.TryParse(words[1], out var length) || length < 0)
            return null;
        _isChunked = true;
        if (!await _lines.CopyAsync(length, _chunks, _stop))
            return null;
        if (words.Length == 2)
            return false;
        ReadOnlySpan<byte> data = _chunks.GetBuffer().AsSpan(0, (int)_chunks.Length);
        foreach (var line in data[..Math.Max(data.IndexOf("\r\n\r\n"u8), 0)].Split("\r\n"u8))
            FindKey(data[line]);
        if (_server.KeepsRecord)
            _mail.Data = data.ToArray();
        return true;
    }

    private void Keep(ReadOnlySpan<byte> line, MemoryStream data)
    {
        FindKey(line);
        if (!_server.KeepsRecord)
            return;
        data.Write(line is [(byte)'.', ..] ? line[1..] : line);
        data.Write("\r\n"u8);
    }

    private void FindKey(ReadOnlySpan<byte> line)
    {
        const string KeyHeader = "X-Mail-Key:";
        if (_mail.Key is null && line.Length > KeyHeader.Length && Ascii.EqualsIgnoreCase(line[..KeyHeader.Length], KeyHeader))
            _mail.Key = Encoding.Latin1.GetString(line[KeyHeader.Length..]).Trim();
    }

    private async Task<bool> SayAsync(Said said)
    {
        if (said.Octets.Length > 0)
            await _stream.WriteAsync(said.Octets, _stop);
        if (said.Then == SaidThen.Hang)
            await Task.Delay(Timeout.Infinite, _stop);
        if (said.Then == SaidThen.Reset)
            _socket.LingerState = new(true, 0);
        return said.Then == SaidThen.Listen;
    }

    private async Task<bool> SecureAsync()
    {
        if (_server.Trick("HANDSHAKE") is { } trick)
            return await SayAsync(trick);
        var tls = new SslStream(_stream);
        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = TestCertificate.SelfSigned }, _stop);
        _stream = tls;
        _lines = new(tls);
        return _isSecure = true;
    }

    private static string Path(string line) => line[(line.IndexOf('<') + 1)..line.LastIndexOf('>')];
}
