namespace MailProxy.Pipeline.Configuration;

/// <summary>Where a member stands.</summary>
public enum FieldUse : byte
{
    /// <summary>In requests, in answers and in the store.</summary>
    Everywhere = 0,

    /// <summary>In answers, and in the store if it is kept; let through in requests, so that what was read can be put back.</summary>
    Answers = 1,

    /// <summary>In the store only.</summary>
    Stored = 2,
}

/// <summary>A member of a JSON object as the documents see it.</summary>
public abstract record Member(string Name, Shape Shape)
{
    public FieldUse Use { get; init; }

    /// <summary>Of a member that only answers have: a request must not have it.</summary>
    public bool Unasked { get; init; }

    /// <summary>Write-only: an answer says whether it is set.</summary>
    public bool Secret { get; init; }

    /// <summary>A request must have it.</summary>
    public bool Required { get; init; }

    /// <summary>Every answer has it.</summary>
    public bool Always { get; init; }

    /// <summary>Its sentence in requests; null: none.</summary>
    public string? Says { get; init; }

    /// <summary>Its sentence in answers; null: none.</summary>
    public string? Shown { get; init; }

    /// <summary>Its form in answers, where that is told otherwise than in requests.</summary>
    public Shape? AnswerShape { get; init; }

    /// <summary>Its place in the documents' requests, among members of the same number as in the list.</summary>
    public int Order { get; init; }

    /// <summary>It has a column of its own in the store.</summary>
    public bool InColumn { get; init; }
}
