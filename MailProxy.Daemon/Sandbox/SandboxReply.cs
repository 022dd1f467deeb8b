using System.Text;

namespace MailProxy.Daemon.Sandbox;

/// <summary>What the connection does after a reply.</summary>
internal enum SandboxStep : byte
{
    NextCommand = 0,

    /// <summary>The body follows.</summary>
    Data = 1,

    Close = 2,
}

/// <summary>One reply: the bytes to write (none: silence), the delay before them, and what follows.</summary>
internal readonly record struct SandboxReply(
    ReadOnlyMemory<byte> Bytes,
    SandboxStep Then = SandboxStep.NextCommand,
    TimeSpan Delay = default
)
{
    public static readonly SandboxReply MailOk = Of("250 2.1.0 Sender ok");
    public static readonly SandboxReply RcptOk = Of("250 2.1.5 Recipient ok");
    public static readonly SandboxReply Taken = Of("250 2.0.0 Taken");
    public static readonly SandboxReply Ok = Of("250 2.0.0 Ok");
    public static readonly SandboxReply GoAhead = Of("354 End with <CR><LF>.<CR><LF>", SandboxStep.Data);
    public static readonly SandboxReply Bye = Of("221 2.0.0 Bye", SandboxStep.Close);
    public static readonly SandboxReply Silence = new(default, SandboxStep.Close);
    public static readonly SandboxReply LineTooLong = Of("500 5.5.2 Line too long");
    public static readonly SandboxReply BareLineFeed = Of("500 5.5.2 Lines end with CR LF");
    public static readonly SandboxReply TooManyConnections = Of("421 4.3.2 Too many connections", SandboxStep.Close);

    public static SandboxReply Of(string text, SandboxStep then = SandboxStep.NextCommand) =>
        new(Encoding.UTF8.GetBytes(text + "\r\n"), then);

    /// <summary>The text without its final line end.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Bytes.Span).TrimEnd('\r', '\n');
}
