using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Sandbox;

/// <summary>The built-in SMTP catcher. It listens on 127.0.0.1 only.</summary>
public sealed class SandboxOptions
{
    /// <summary>Port; 0 takes any free one. Default 0.</summary>
    [Range(0, 65535)]
    public int Port { get; set; }

    /// <summary>Mails kept for reading; older ones are forgotten. Default 1,000.</summary>
    [Range(1, 1_000_000)]
    public int KeepMessages { get; set; } = 1_000;

    /// <summary>Bytes of mail kept for reading; the newest mail is kept whatever its size. Default 64 MB.</summary>
    [Range(1, 4L << 30)]
    public long KeepBytes { get; set; } = 64L << 20;

    /// <summary>The largest mail it takes, in bytes: the SIZE it announces. Default 64 MB.</summary>
    [Range(1, 1 << 30)]
    public int MaxMessageBytes { get; set; } = 64 << 20;

    /// <summary>Connections at a time; one more is answered 421. Default 400: more than are used at the same time by default.</summary>
    [Range(1, 10_000)]
    public int MaxConnections { get; set; } = 400;
}
