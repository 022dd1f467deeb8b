namespace MailProxy.Daemon.Hosting;

/// <summary>How to reach the database: from the settings, the file that they name, or the service's credential.</summary>
internal static class StorageConnection
{
    private const string Text = "Storage:ConnectionString";
    private const string File = "Storage:ConnectionStringFile";
    internal const string Credential = "mailproxy-storage";

    /// <summary>
    /// Reads it. The answer is what is wrong; that there is none for who asks, which a client can live with, is <see
    /// cref="StorageSettings.Trouble"/>.
    /// </summary>
    /// <param name="credentials">The directory of the service's credentials; null: there is none.</param>
    public static IEnumerable<string> Load(StorageSettings settings, string? credentials)
    {
        var (text, file) = (Given(settings.ConnectionString), Given(settings.ConnectionStringFile));
        if (!settings.IsPostgres)
        {
            if ((text ?? file) is not null)
                yield return $"{(text is null ? File : Text)}: only with Storage:Provider postgres; set that too, or take this away.";
            yield break;
        }

        if (text is not null && file is not null)
            yield return $"{File}: not together with {Text}; set one of the two.";
        if (text is null && file is null && credentials is not null && System.IO.File.Exists(Path.Combine(credentials, Credential)))
            file = Path.Combine(credentials, Credential);
        if (text is null && file is not null)
        {
            (text, var trouble) = Read(file);
            settings.Trouble = trouble is null ? null : $"{File}: '{file}' cannot be read: {trouble}";
        }

        settings.Connection = Given(text);
        if (settings.Connection is null)
            settings.Trouble ??=
                $"{Text}: Storage:Provider postgres needs it (or {File}), such as "
                + "Host=127.0.0.1;Username=mailproxy;Password=…;Database=mailproxy";
    }

    private static string? Given(string? text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    private static (string? Text, string? Trouble) Read(string file)
    {
        try
        {
            return (System.IO.File.ReadAllText(file).Trim(), null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return (null, error.Message);
        }
    }
}
