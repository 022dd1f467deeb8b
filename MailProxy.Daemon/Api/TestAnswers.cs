namespace MailProxy.Daemon.Api;

/// <summary>What a test of an account saw. Nothing was sent.</summary>
/// <param name="Stage">Where it ended: <c>connect</c>, <c>tls</c>, <c>greeting</c>, <c>authenticate</c>, <c>done</c>.</param>
/// <param name="Tls">The protocol and cipher, or null when the connection is not protected.</param>
/// <param name="Error">The server's words, or ours when there were none.</param>
public sealed record AccountTestAnswer(
    bool Ok,
    string Stage,
    bool Secure,
    string? Tls,
    bool Authenticated,
    IReadOnlyList<string> Extensions,
    int? SmtpCode,
    string? Error,
    double Milliseconds
);

/// <summary>What a test came to.</summary>
/// <param name="Error">Why not; absent when it answered with 2xx.</param>
public sealed record WebhookTestAnswer(bool Ok, double Milliseconds, string? Error);

/// <summary>How a webhook answered a request.</summary>
/// <param name="RequestId">The request's <c>webhook-id</c>; <c>test_…</c> of a test.</param>
/// <param name="At">When the request had ended.</param>
/// <param name="Status">The HTTP status; absent when there was no answer.</param>
/// <param name="Error">Why it does not count as acknowledged; absent when it does.</param>
/// <param name="Excerpt">The first 200 characters of the answer's text; absent when there is none, or when it repeats the
/// credentials of the request.</param>
public sealed record WebhookReply(string RequestId, DateTime At, double Milliseconds, int? Status, string? Error, string? Excerpt);

/// <param name="Data">The newest first, at most 20; gone after a restart.</param>
public sealed record WebhookReplyList(IReadOnlyList<WebhookReply> Data);

/// <summary>What a test of a volume saw. Nothing was changed.</summary>
/// <param name="Status">The HTTP status, when there was an answer.</param>
/// <param name="Code">The store's own error code, or <c>gone</c>, <c>refused</c>, <c>down</c>.</param>
/// <param name="Objects">Files among the first 1,000; absent when the backend cannot list, or a path was asked for.</param>
/// <param name="Size">Bytes of the file that was asked for.</param>
public sealed record VolumeTestAnswer(
    bool Ok,
    int? Status,
    string? Code,
    long? Objects,
    bool? More,
    long? Size,
    string? Error,
    double Milliseconds
);
