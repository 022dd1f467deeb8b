namespace MailProxy.Pipeline.Storage.Nodes;

/// <summary>A request to the API that was answered.</summary>
/// <param name="Number">Counts up.</param>
/// <param name="Milliseconds">From its head to the end of its answer.</param>
/// <param name="Code">The problem's code; null: none.</param>
/// <param name="Actor">As in the audit log; <c>unknown</c>: no key that is good.</param>
/// <param name="Messages">Messages that it was about, the first ones.</param>
public sealed record LoggedRequest(
    long Number,
    long At,
    string Method,
    string Path,
    int Status,
    double Milliseconds,
    string? Code,
    string Actor,
    string Tenant,
    string RequestId,
    IReadOnlyList<string> Messages
)
{
    /// <summary>The node that answered it; null: there is one only.</summary>
    public string? Node { get; init; }

    public bool HasFailed => Status >= 400;
}

/// <summary>Which requests are asked for.</summary>
/// <param name="Tenant">Null: of all, and of nobody.</param>
/// <param name="Message">Those about this message; null: about any, or none.</param>
/// <param name="Before">Only those with a lower number; null: from the newest.</param>
/// <param name="Since">Unix milliseconds.</param>
public readonly record struct RequestFilter(string? Tenant, bool FailedOnly, string? Message, long? Before, long Since, int Limit);

/// <summary>The last requests that the nodes which share a store have answered.</summary>
public interface IRequestStore
{
    /// <summary>Adds what this node has answered; numbers are given.</summary>
    Task AddAsync(IReadOnlyList<LoggedRequest> requests);

    /// <summary>Newest first.</summary>
    Task<IReadOnlyList<LoggedRequest>> ReadAsync(RequestFilter filter);

    /// <summary>Removes those before this time, and the oldest ones of each tenant that has more than its part of this many.</summary>
    Task TrimAsync(long since, int most);

    /// <summary>Removes a tenant's.</summary>
    Task ForgetAsync(string tenant);
}
