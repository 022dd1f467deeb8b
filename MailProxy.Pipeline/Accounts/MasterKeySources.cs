using MailProxy.Pipeline.Disk;

namespace MailProxy.Pipeline.Accounts;

/// <summary>
/// Where master keys come from. The first place that has any is taken whole and later ones are not looked at; to rotate, put the new key
/// before the old one in the same place.
/// </summary>
/// <param name="configured">The value of the setting, or null.</param>
/// <param name="credentialsDirectory">systemd's <c>$CREDENTIALS_DIRECTORY</c>, or null.</param>
/// <param name="dataDirectory">Where <c>master.key</c> is read and, on a fresh store, made.</param>
public sealed class MasterKeySources(string? configured, string? credentialsDirectory, string dataDirectory)
{
    public const string Setting = "MAILPROXY_MASTER_KEY";
    public const string Credential = "mailproxy-master-key";

    internal MasterKeyFile File { get; } = new(dataDirectory);

    /// <summary>
    /// Throws <see cref="StoreRefusedException"/> when a place has something that is not a key; the text never carries what it has.
    /// </summary>
    internal FoundKeys Find()
    {
        var looked = new List<string>();
        foreach (var (place, text) in Places())
        {
            looked.Add(text is null ? place + " (none)" : place);
            if (text is null)
                continue;
            if (MasterKey.ParseList(text) is { } keys)
                return new(keys, looked);
            throw new StoreRefusedException(
                $"The master key in {place} is malformed. Write it as base64 of 32 bytes or as 64 hexadecimal digits; several, "
                    + "for rotation, with commas between, the newest first."
            );
        }

        return new([], looked);
    }

    private IEnumerable<(string Place, string? Text)> Places()
    {
        // A variable that is set to nothing counts as not set.
        yield return ($"the setting {Setting}", string.IsNullOrEmpty(configured) ? null : configured);

        var credential = PassedSomething(credentialsDirectory) ? Path.Combine(credentialsDirectory!, Credential) : null;
        yield return credential is null
            ? ($"the systemd credential {Credential}", null)
            : ($"the systemd credential {credential}", MasterKeyFile.Read(credential));

        yield return ($"the file {File.Path}", MasterKeyFile.Read(File.Path));
    }

    // A unit that asks for a credential which the machine has not gets a directory that only root may look into; with a credential in it,
    // the service may.
    private static bool PassedSomething(string? directory)
    {
        if (string.IsNullOrEmpty(directory))
            return false;
        try
        {
            _ = Directory.GetFileSystemEntries(directory);
            return true;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (DirectoryNotFoundException)
        {
            return true; // told as any other credential that cannot be read
        }
    }
}

/// <param name="Keys">The first seals. Empty when no place has any.</param>
/// <param name="LookedAt">Every place that was looked at, in order, for people.</param>
internal sealed record FoundKeys(IReadOnlyList<MasterKey> Keys, IReadOnlyList<string> LookedAt);
