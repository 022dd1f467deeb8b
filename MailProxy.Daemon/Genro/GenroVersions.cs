using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Genro;

/// <summary>Versions of the contract of genro-mail-proxy.</summary>
[Flags]
internal enum GenroVersions : byte
{
    None = 0,

    /// <summary>Of 2025, without tenants.</summary>
    A = 1,

    /// <summary>0.6.10 to 0.7.7.</summary>
    B = 2,

    /// <summary>0.7.0, routes of the form <c>/entity/method</c>.</summary>
    C = 4,
}

/// <summary>Reads names of versions.</summary>
internal static class GenroVersionNames
{
    private static readonly char[] Between = [',', ' ', ';'];

    /// <summary>Null: none, or one that there is not.</summary>
    public static GenroVersions? Read(string? text)
    {
        var versions = GenroVersions.None;
        foreach (var name in (text ?? "").Split(Between, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            GenroVersions? one = name.ToUpperInvariant() switch
            {
                "A" => GenroVersions.A,
                "B" => GenroVersions.B,
                "C" => GenroVersions.C,
                _ => null,
            };
            if (one is null)
                return null;
            versions |= one.Value;
        }

        return versions == GenroVersions.None ? null : versions;
    }
}

/// <summary>One or several of A, B and C, with commas between.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class GenroVersionsAttribute() : ValidationAttribute("must be A, B or C, or several of them with commas between.")
{
    public override bool IsValid(object? value) => GenroVersionNames.Read(value as string) is not null;
}
