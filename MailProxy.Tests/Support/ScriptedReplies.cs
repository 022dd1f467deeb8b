using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace MailProxy.Tests.Support;

/// <summary>What a scripted server says, and what it does then.</summary>
/// <param name="Octets">Sent as they are; none: it says nothing.</param>
internal sealed record Said(byte[] Octets, SaidThen Then = SaidThen.Listen)
{
    /// <summary>The same of a text in Latin-1, with its line ends.</summary>
    public Said(string text, SaidThen then = SaidThen.Listen)
        : this(Encoding.Latin1.GetBytes(text), then) { }

    /// <summary>One reply, to which its line end is added.</summary>
    [return: NotNullIfNotNull(nameof(line))]
    public static implicit operator Said?(string? line) => line is null ? null : new(Encoding.UTF8.GetBytes(line + "\r\n"));
}

/// <summary>What a scripted server does after it has spoken.</summary>
internal enum SaidThen
{
    Listen,
    Close,

    /// <summary>A TCP reset, once the other side has what was said.</summary>
    Reset,

    /// <summary>Neither speaks nor reads until the server is disposed.</summary>
    Hang,
}

/// <summary>A command as a scripted server got it.</summary>
/// <param name="Connection">Its number, from 1.</param>
/// <param name="Verb">CONNECT (the greeting), what the client said in upper case, SASL (a line within AUTH), or DOT (the end of a
/// mail).</param>
/// <param name="Mail">The mail that this connection is about.</param>
internal sealed record Heard(int Connection, string Verb, string Line, ReceivedMail Mail);

/// <summary>A mail on its way into a scripted server.</summary>
internal sealed class ReceivedMail(int connection)
{
    public int Connection { get; } = connection;

    public string Sender { get; set; } = "";

    /// <summary>Everybody named in RCPT, the refused among them.</summary>
    public List<string> Recipients { get; } = [];

    /// <summary>Those that were accepted, in a reply of one line.</summary>
    public List<string> Accepted { get; } = [];

    /// <summary>Its X-Mail-Key header.</summary>
    public string? Key { get; set; }

    /// <summary>As it came over the wire, dots unstuffed.</summary>
    public byte[] Data { get; set; } = [];

    public string Text => Encoding.UTF8.GetString(Data);
}
