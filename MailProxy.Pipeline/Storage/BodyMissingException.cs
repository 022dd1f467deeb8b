using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Storage;

/// <summary>The message exists, but its body is missing: somebody removed its file. Restoring a backup may bring it back.</summary>
/// <param name="content">Everything else that is known of the message, so that its state can tell what is wrong; null when not
/// requested.</param>
public sealed class BodyMissingException(string message, MailContent? content, Exception? inner = null) : IOException(message, inner)
{
    public MailContent? Content { get; } = content;
}
