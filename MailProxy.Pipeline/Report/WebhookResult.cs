namespace MailProxy.Pipeline.Report;

/// <summary>What a webhook request came to: a closed set.</summary>
internal abstract record WebhookResult
{
    private WebhookResult() { }

    /// <summary>Answered with 2xx.</summary>
    /// <param name="Body">Up to the cap, if somebody wanted it.</param>
    public sealed record Acknowledged(ReadOnlyMemory<byte> Body) : WebhookResult;

    /// <summary>Answered with 410: the endpoint wants no more.</summary>
    public sealed record Gone : WebhookResult;

    /// <param name="Error">For a person; holds nothing of the answer's body.</param>
    public sealed record Failed(string Error, TimeSpan? RetryAfter = null) : WebhookResult;

    /// <summary>We stopped.</summary>
    public sealed record LetGo : WebhookResult;
}
