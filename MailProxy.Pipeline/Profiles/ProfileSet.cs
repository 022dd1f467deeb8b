using System.Reflection;
using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Profiles;

/// <summary>All profiles: the shipped ones, and those of the operator's directory over them. Read from any thread; replaced as a
/// whole.</summary>
public sealed class ProfileSet
{
    /// <summary>The profile whose rules are asked for every host, after those of the host's own.</summary>
    public const string Any = "any";

    private const string Resources = "MailProxy.Pipeline.Profiles.Shipped.";

    private Lazy<Content> _content;

    private ProfileSet(Func<Content> read) => _content = new(read);

    private ProfileSet(Lazy<Content> content) => _content = content;

    /// <summary>The profiles that come with the program, read when a reply first asks for them: a start need not wait for that.</summary>
    public static ProfileSet Shipped { get; } =
        new(static () =>
            Of(ShippedFiles(), []) is (Set: { _content.Value: var content }, _)
                ? content
                : throw new InvalidOperationException("A shipped profile is wrong.")
        );

    /// <summary>By name.</summary>
    public IReadOnlyList<ProviderProfile> All => Volatile.Read(ref _content).Value.All;

    /// <summary>A hash of the files that they were read from: two that are equal judge alike.</summary>
    public string Fingerprint => Volatile.Read(ref _content).Value.Fingerprint;

    /// <summary>The same profiles, which can be replaced without changing these.</summary>
    public ProfileSet Copy() => new(Volatile.Read(ref _content));

    /// <summary>From the next reply on these decide.</summary>
    public void ReplaceBy(ProfileSet others) => Volatile.Write(ref _content, Volatile.Read(ref others._content));

    /// <summary>The shipped profiles with those of a directory over them, or everything that is wrong there.</summary>
    /// <param name="directory">Absolute, or relative to where the program was started; null: the shipped ones alone.</param>
    public static (ProfileSet? Set, IReadOnlyList<string> Mistakes) Load(string? directory)
    {
        if (string.IsNullOrWhiteSpace(directory))
            return (Shipped, []);
        var (files, unreadable) = ProfileFiles.In(directory);
        var (set, mistakes) = Of(ShippedFiles(), files);
        return unreadable.Count > 0 ? (null, [.. unreadable, .. mistakes]) : (set, mistakes);
    }

    /// <summary>The profile of a server; for one that no profile names, the one for all.</summary>
    public ProviderProfile For(string? host)
    {
        var content = Volatile.Read(ref _content).Value;
        if (string.IsNullOrEmpty(host))
            return content.Any;
        var name = host.TrimEnd('.').ToLowerInvariant();
        foreach (var (pattern, profile) in content.ByHost)
        {
            if (pattern.Matches(name))
                return profile;
        }

        return content.Any;
    }

    private static (ProfileSet? Set, IReadOnlyList<string> Mistakes) Of(IReadOnlyList<ProfileFile> shipped, IReadOnlyList<ProfileFile> own)
    {
        var mistakes = new List<string>();
        var layers = new ProfileLayers(
            [.. shipped.Select(file => ProfileReader.Read(file, mistakes)).OfType<ProfileDraft>()],
            [.. own.Select(file => ProfileReader.Read(file, mistakes)).OfType<ProfileDraft>()],
            mistakes
        );
        var all = layers.Resolve();
        return mistakes.Count > 0 ? (null, mistakes) : (new(() => new(all, FingerprintOf([.. shipped, .. own]))), []);
    }

    private static string FingerprintOf(IEnumerable<ProfileFile> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in files.OrderBy(static file => file.Shipped ? 0 : 1).ThenBy(static file => file.Name, StringComparer.Ordinal))
        {
            hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(file.Name)));
            hash.AppendData(SHA256.HashData(file.Json.Span));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    private static ProfileFile[] ShippedFiles()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return
        [
            .. assembly
                .GetManifestResourceNames()
                .Where(static name => name.StartsWith(Resources, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name =>
                {
                    using var stream = assembly.GetManifestResourceStream(name)!;
                    var octets = new byte[stream.Length];
                    stream.ReadExactly(octets);
                    return new ProfileFile(name[Resources.Length..], octets, Shipped: true);
                }),
        ];
    }

    private sealed class Content(IReadOnlyList<ProviderProfile> all, string fingerprint)
    {
        public string Fingerprint => fingerprint;

        public IReadOnlyList<ProviderProfile> All => all;

        public ProviderProfile Any { get; } = all.Single(static profile => profile.Name == ProfileSet.Any);

        public (HostPattern Pattern, ProviderProfile Profile)[] ByHost { get; } =
        [
            .. all.SelectMany(static profile => profile.Hosts.Select(host => (host, profile)))
                .OrderByDescending(static one => one.host.Exactness)
                .ThenBy(static one => one.profile.Name, StringComparer.Ordinal),
        ];
    }
}
