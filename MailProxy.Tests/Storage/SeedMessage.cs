using MailProxy.Pipeline.Mail;

namespace MailProxy.Tests.Storage;

/// <summary>A message as a store may have it, in any state, without having been through the stages.</summary>
internal sealed record SeedMessage
{
    public required string Id { get; init; }
    public string Tenant { get; init; } = "default";
    public MessageState State { get; init; }

    /// <summary>The body of an attempt is on its way: the state people see is sending.</summary>
    public bool Begun { get; init; }

    public int Account { get; init; } = 1;
    public Priority Priority { get; init; } = Priority.Medium;
    public long CreatedAt { get; init; } = 1_000;
    public long? SendAt { get; init; }

    /// <summary>0: by arrival.</summary>
    public long Due { get; init; }

    public int Round { get; init; }
    public int Attempts { get; init; }
    public string? Batch { get; init; }

    /// <summary>JSON.</summary>
    public string? Tags { get; init; }

    /// <summary>JSON.</summary>
    public string? Metadata { get; init; }

    public string? HoldReason { get; init; }
    public IReadOnlyList<string> Recipients { get; init; } = ["bob@example.com"];
    public string Sender { get; init; } = "ann@example.com";
    public string? Subject { get; init; } = "Grüße";
    public string MessageId { get; init; } = "<1@example.com>";

    /// <summary>What a server answered each recipient; 0: nothing yet.</summary>
    public int Code { get; init; } = 550;

    public string? EnhancedCode { get; init; } = "5.1.1";
    public string? Reply { get; init; } = "No such user";

    /// <summary>Null: purged.</summary>
    public string? Body { get; init; } = "{}";

    /// <summary>The body is in this spool file.</summary>
    public string? SpoolFile { get; init; }

    /// <summary>One of an account's lane.</summary>
    /// <param name="standing">0: it waits; 1: its attempt has begun; 2: it is held.</param>
    public static SeedMessage InQueue(AccountKey account, int standing) =>
        new()
        {
            Id = $"q-{Guid.NewGuid():N}",
            Account = account.Number,
            Begun = standing == 1,
            State = standing == 2 ? MessageState.Held : MessageState.Queued,
        };

    public MessageState Seen => Begun ? MessageState.Sending : State;
}
