namespace MailProxy.Daemon.Api;

/// <summary>Addresses that clients give us to call.</summary>
internal static class Urls
{
    public const string Rule = "Must be an absolute http or https URL without credentials or fragment.";

    public static bool IsPlain(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
        && url.UserInfo.Length == 0 && url.Fragment.Length == 0 && url.Host.Length > 0;
}
