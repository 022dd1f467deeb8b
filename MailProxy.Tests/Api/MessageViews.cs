using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Tests.Api;

/// <summary>Messages as the store shows them.</summary>
internal static class MessageViews
{
    public const long At = 1_893_553_445_000; // 2030-01-02T03:04:05Z, as the host's clock stands

    public static MessageView View(long number, string id) =>
        new(
            number,
            new("default", id),
            MessageState.Queued,
            1,
            new(1_000),
            Priority.Medium,
            "a@x.example",
            "Hello",
            At,
            null,
            At + 432_000_000,
            null,
            0,
            null,
            false,
            $"<{id}@x>",
            null,
            null,
            null,
            AmbiguousPolicy.Retry,
            [new("b@x.example", RecipientState.Pending, null, null, null)]
        );
}
