using System.ComponentModel.DataAnnotations;
using System.Net;

namespace MailProxy.Daemon.Hosting;

/// <summary>
/// Validates addresses that Kestrel can listen on, separated by semicolons: plain HTTP, and an IP address as host. Kestrel would read a
/// host
/// name as "every interface".
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ListenAddressesAttribute()
    : ValidationAttribute(
        "must be http://address:port, several with semicolons between; the address is an IP address, localhost or * (all). For "
            + "https put a reverse proxy in front."
    )
{
    public override bool IsValid(object? value) => value is not string text || Split(text) is { Length: > 0 } parts && parts.All(IsAddress);

    public static string[] Split(string text) => text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>
    /// The addresses as Kestrel accepts them. Kestrel cannot choose a free port for localhost, which stands for two addresses; the IPv4
    /// address
    /// alone is enough to be found by that name.
    /// </summary>
    public static string[] Bindable(string text) =>
        [
            .. Split(text)
                .Select(static url =>
                    BindingAddress.Parse(url) is { IsUnixPipe: false, Port: 0 } address
                    && address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
                        ? "http://127.0.0.1:0"
                        : url
                ),
        ];

    private static bool IsAddress(string text)
    {
        try
        {
            var address = BindingAddress.Parse(text);
            return address is { Scheme: "http", PathBase: "", Port: >= 0 and <= 65_535 }
                && (
                    address.IsUnixPipe
                    || address.Host is "localhost" or "*" or "+"
                    || IPAddress.TryParse(address.Host.Trim('[', ']'), out _)
                );
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
