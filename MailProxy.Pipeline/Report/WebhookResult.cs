namespace MailProxy.Pipeline.Report;

/// <summary>The result of a webhook request. A closed set.</summary>
internal abstract record WebhookResult
{
    private WebhookResult() { }

    /// <summary>Answered with 2xx.</summary>
    /// <param name="Body">The answer up to the cap, if it was wanted.</param>
    public sealed record Acknowledged(ReadOnlyMemory<byte> Body) : WebhookResult;

    /// <summary>Answered with 410: the endpoint wants no further events.</summary>
    public sealed record Gone : WebhookResult;

    /// <param name="Error">In words; contains nothing of the answer's body.</param>
    public sealed record Failed(string Error, TimeSpan? RetryAfter = null) : WebhookResult;

    /// <summary>The request was cancelled because we are stopping.</summary>
    public sealed record Cancelled : WebhookResult;
}
