using MailProxy.Pipeline.Accounts;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;
using MailProxy.Pipeline.Storage;

namespace MailProxy.Pipeline.Report;

/// <summary>What a server says of addresses that do not exist, where the tenant wants such to be remembered. Pure.</summary>
internal static class NoSuchAddresses
{
    public static IReadOnlyList<(string Address, string Reason)> Of(
        Outcome.Attempted tried,
        Settlement settlement,
        AccountDirectory directory
    )
    {
        if (directory.Tenants.Find(tried.Content.Key.Tenant)?.SuppressBounces is not true)
            return [];
        var found = new List<(string, string)>();
        foreach (var update in settlement.Recipients)
        {
            if (
                update is { State: RecipientState.Failed, EnhancedCode: "5.1.1" or "5.1.2" or "5.1.10" }
                && tried.Content.Slice.FirstOrDefault(to => to.Ordinal == update.Ordinal) is { Address: { } address }
            )
                found.Add((address, update.Reply ?? update.EnhancedCode));
        }

        return found;
    }
}
