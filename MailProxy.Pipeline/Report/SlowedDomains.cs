using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;

namespace MailProxy.Pipeline.Report;

/// <summary>What attempts say of the rate at which their account's mail to a domain may go.</summary>
internal static class SlowedDomains
{
    /// <summary>Tells Schedule of each domain that is to be slowed.</summary>
    public static void Tell(Outcome.Attempted tried, Wake wake)
    {
        for (var i = 0; i < tried.Verdicts.Count; i++)
        {
            if (tried.Verdicts[i] is not { Slow: { } slow } verdict)
                continue;
            var domain = DestinationLimits.DomainOf(verdict.Address);
            wake.Slow(new SlowedDestination(tried.Content.Account, domain, slow, $"{verdict.Rule}: {verdict.Reply}", tried.Mark?.At));
        }
    }
}
