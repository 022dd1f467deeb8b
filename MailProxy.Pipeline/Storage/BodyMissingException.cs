namespace MailProxy.Pipeline.Storage;

/// <summary>The message is there and its body should be, and is not: somebody took its file away. It may come back with a backup.</summary>
/// <param name="content">What else is known of the message, so that its state can say what is wrong; null: nobody asked for it.</param>
public sealed class BodyMissingException(string message, MailContent? content, Exception? inner = null) : IOException(message, inner)
{
    public MailContent? Content { get; } = content;
}
