using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Sandbox;

/// <summary>The built-in SMTP catcher. It listens on 127.0.0.1 only.</summary>
public sealed class SandboxOptions
{
    /// <summary>Port of the sandbox on 127.0.0.1; 0: any free one.</summary>
    [Range(0, 65535)]
    public int Port { get; set; }

    /// <summary>Mails kept for reading; older ones are forgotten.</summary>
    [Range(1, 1_000_000)]
    public int KeepMessages { get; set; } = 1_000;

    /// <summary>Bytes of mail kept for reading; the newest mail is kept whatever its size.</summary>
    [Range(1, 4L << 30)]
    public long KeepBytes { get; set; } = 64L << 20;

    /// <summary>The largest mail it takes, in bytes (SIZE, RFC 1870).</summary>
    [Range(1, 1 << 30)]
    public int MaxMessageBytes { get; set; } = 64 << 20;

    /// <summary>Connections at a time; one more is answered 421.</summary>
    [Range(1, 10_000)]
    public int MaxConnections { get; set; } = 400;
}
