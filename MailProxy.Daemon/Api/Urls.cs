using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Api;

/// <summary>Addresses that clients give us to call.</summary>
internal static class Urls
{
    /// <summary>An address that can be asked, or null and the mistake told.</summary>
    /// <param name="query">Whether it may have one.</param>
    /// <param name="existing">What is stored: kept when a client sends back what it was shown of it.</param>
    public static Uri? Read(MemberReader members, string name, bool required, bool query, string? existing = null)
    {
        if (ShownUrl.Kept(members.Text(name, 2_048, required), existing) is not { } text)
            return null;
        var (address, fault) = HttpAddress.Read(text);
        if (address is not null && text.Contains('#'))
            fault = "A fragment (#) is never sent: leave it out.";
        else if (address is not null && !query && text.Contains('?'))
            fault = "A query (?) does not belong here: what is asked for is appended to the path.";
        if (fault is null)
            return address;
        members.Fault(name, "invalid_url", fault);
        return null;
    }

    /// <summary>An address that can be asked, without query and fragment.</summary>
    public static bool IsPlain(string text) => HttpAddress.Read(text).Address is not null && !text.AsSpan().ContainsAny('?', '#');
}
