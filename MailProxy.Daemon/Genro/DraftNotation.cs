namespace MailProxy.Daemon.Genro;

/// <summary>What a version of genro-mail-proxy allowed in a message, beside what all do.</summary>
/// <param name="EmptySubject">The subject may be empty or missing.</param>
/// <param name="IsVolume">Whether a name before a colon in <c>storage_path</c> is a volume's.</param>
internal sealed record DraftNotation(bool EmptySubject, Func<string, bool> IsVolume)
{
    public static readonly DraftNotation Usual = new(false, static _ => false);
}
