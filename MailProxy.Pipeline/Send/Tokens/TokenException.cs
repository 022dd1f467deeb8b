using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Send.Tokens;

/// <summary>No token could be had: who or what has to change, in words without secrets.</summary>
internal sealed class TokenException(TroubleKind kind, string message) : Exception(message)
{
    public TroubleKind Kind { get; } = kind;

    /// <summary>A delay that the endpoint named.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The time by the endpoint's clock, when it said so and a clock may be the cause.</summary>
    public DateTimeOffset? TheirTime { get; init; }
}
