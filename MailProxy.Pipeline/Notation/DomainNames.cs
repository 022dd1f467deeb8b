using System.Text;
using ICU4N.Impl;
using ICU4N.Text;

namespace MailProxy.Pipeline.Notation;

/// <summary>International domain names: UTS 46, non-transitional and with the checks of IDNA 2008, as browsers do it. Pure.</summary>
public static class DomainNames
{
    // Longer than any valid name, even after the conversion.
    private const int Longest = 1_024;

    /// <summary>The name as A-labels, mapped and normalised; an ASCII name stays unchanged. Null when such a name cannot exist.</summary>
    public static string? ToAscii(string name)
    {
        if (Ascii.IsValid(name))
            return name;
        if (name.Length > Longest / 2)
            return null;
        Span<char> ascii = stackalloc char[Longest];
        var good = Uts46.Rules.TryNameToASCII(name, ascii, out var length, out var found) && !found.HasErrors;
        return good ? ascii[..length].ToString() : null;
    }

    // Created when the first international name arrives, since its tables take 10 MB.
    private static class Uts46
    {
        public static readonly IDNA Rules = IDNA.GetUTS46Instance(
            UTS46Options.NontransitionalToASCII | UTS46Options.UseSTD3Rules | UTS46Options.CheckBiDi | UTS46Options.CheckContextJ
        );
    }
}
