namespace MailProxy.Daemon.Dashboard.Model;

/// <summary>Addresses of views, as they are given in forms and queries: never one of another site.</summary>
internal static class LocalPath
{
    /// <summary>The path below the page, without a slash at its beginning; empty where what is given is none.</summary>
    public static string Of(string? given)
    {
        var path = (given ?? "").Replace('\\', '/').TrimStart('/');
        return path.Any(char.IsControl) ? "" : path;
    }

    /// <summary>A path with parameters; those without a value are left out.</summary>
    public static string With(string path, params ReadOnlySpan<(string Name, string? Value)> parameters)
    {
        var sign = path.Contains('?', StringComparison.Ordinal) ? '&' : '?';
        foreach (var (name, value) in parameters)
        {
            if (string.IsNullOrEmpty(value))
                continue;
            path += $"{sign}{name}={Uri.EscapeDataString(value)}";
            sign = '&';
        }

        return path;
    }
}
