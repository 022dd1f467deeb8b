using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Sharing;

namespace MailProxy.Pipeline.Send;

/// <summary>
/// Renders mail. What is large costs a processor for a while: it has few turns, shared by tenant, and threads of its own, so that no small
/// mail waits behind it.
/// </summary>
internal sealed class Rendering(Func<ResolvedMail, RenderedMail> render, TenantShare share)
{
    private const long Heavy = 256 * 1024;

    public Rendering(MimeComposer composer, TenantShare share)
        : this(mail => composer.Compose(mail.Content, mail.Files, mail.Links, mail.Account.Signing), share) { }

    private readonly SharedCapacity _turns = new(AtATime, share);

    /// <summary>How many large ones are rendered at a time.</summary>
    public static int AtATime => Math.Max(4, 2 * Environment.ProcessorCount);

    /// <summary>It costs a processor for a while, and is rendered before its turn.</summary>
    public static bool IsLarge(ResolvedMail mail) => Weight(mail) >= Heavy;

    /// <exception cref="UnsendableException">What is stored cannot be rendered.</exception>
    public async ValueTask<RenderedMail> RenderAsync(ResolvedMail mail, CancellationToken abort)
    {
        if (!IsLarge(mail))
            return render(mail);
        using var turn = await _turns.TakeAsync(mail.Account.Tenant, 1, abort);
        return await Task.Factory.StartNew(() => render(mail), abort, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    // Files are encoded when they are read, but a signature reads all of them, and links are added to texts in memory.
    private static long Weight(ResolvedMail mail)
    {
        var signed = mail.Account.Signing is not null;
        return mail.Content.Json.Length
            + (signed || mail.Links.Count > 0 ? mail.Content.Spooled?.Size ?? 0 : 0)
            + (signed ? mail.Files.Sum(static file => file?.Size ?? 0) : 0);
    }
}
