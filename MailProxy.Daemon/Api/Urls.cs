using MailProxy.Pipeline.Network;

namespace MailProxy.Daemon.Api;

/// <summary>Addresses that clients give us to call.</summary>
internal static class Urls
{
    /// <summary>An address that can be asked, without query and fragment.</summary>
    public static bool IsPlain(string text) => HttpAddress.Read(text).Address is not null && !text.AsSpan().ContainsAny('?', '#');
}
