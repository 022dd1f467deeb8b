using System.ComponentModel.DataAnnotations;

namespace MailProxy.Daemon.Api;

/// <summary>The least length of a key that travels in a header: blanks at its ends do not, so they are not counted, and other control
/// characters cannot.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class KeyLengthAttribute(int length) : MinLengthAttribute(length)
{
    public override bool IsValid(object? value) => value is not string text || Fits(text, Length);

    public static bool Fits(string text, int least)
    {
        var key = text.Trim();
        return key.Length >= least && key.All(static c => c is >= ' ' and <= '~');
    }
}
