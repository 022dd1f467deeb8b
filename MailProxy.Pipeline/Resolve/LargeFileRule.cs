using System.Globalization;
using MailProxy.Pipeline.Accounts;

namespace MailProxy.Pipeline.Resolve;

/// <summary>Decides what to do about a message's large files. Pure.</summary>
internal static class LargeFileRule
{
    private const double Megabyte = 1 << 20;

    /// <summary>Sorts the files that exceed the threshold. A file that the HTML shows is never linked, only warned about.</summary>
    /// <param name="linked">Attachments that already have a link; they keep it, whatever the rule says now.</param>
    public static LargeFilePlan Plan(LargeFiles? rule, IReadOnlyList<LargeFile> files, Predicate<int> linked)
    {
        if (rule is null)
            return LargeFilePlan.Nothing;
        var large = files.Where(file => file.Size > rule.Threshold && !linked(file.Index)).ToArray();
        return rule.Action switch
        {
            LargeFileAction.Reject => new([], [], large),
            LargeFileAction.Link => new([.. large.Where(file => !file.Inline)], [.. large.Where(file => file.Inline)], []),
            _ => new([], large, []),
        };
    }

    /// <summary>Why a message with this file fails, in megabytes of 2^20 bytes.</summary>
    public static string Refusal(LargeFile file, LargeFiles rule) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"Attachment '{file.Name}' ({file.Size / Megabyte:0.0} MB) exceeds limit ({rule.Threshold / Megabyte:0.0##} MB)"
        );

    /// <summary>Describes the file to a person.</summary>
    public static string Describe(LargeFile file, LargeFiles rule) =>
        $"attachment {file.Index} has {file.Size} bytes, more than the {rule.Threshold} of the rule for large files";
}

/// <summary>The large files of a message, by what is done about them.</summary>
internal sealed record LargeFilePlan(IReadOnlyList<LargeFile> Link, IReadOnlyList<LargeFile> Warn, IReadOnlyList<LargeFile> Reject)
{
    public static readonly LargeFilePlan Nothing = new([], [], []);
}
