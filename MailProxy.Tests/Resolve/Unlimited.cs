using MailProxy.Pipeline.Flow;

namespace MailProxy.Tests.Resolve;

/// <summary>No domain has a limit, and none is slowed.</summary>
internal static class Unlimited
{
    public static readonly DestinationQuestions Destinations = new(
        static account => account.Limits.Destinations is not null,
        static (due, _, slice) => new DestinationAnswer.May(due.Permit, slice)
    );
}
