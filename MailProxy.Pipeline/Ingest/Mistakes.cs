using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Ingest;

/// <summary>Collects every mistake of one message, so that they are told at once.</summary>
/// <param name="told">How many are listed.</param>
internal sealed class Mistakes(int told = Mistakes.Told)
{
    /// <summary>A list of a million bad addresses must not become an answer of a million errors.</summary>
    public const int Told = 100;

    /// <summary>Characters of a pointer: a member's name may be as long as the request.</summary>
    private const int LongestPointer = 300;

    private List<FieldError>? _errors;
    private int _untold;

    public bool Any => _errors is not null;

    public void Add(string pointer, string code, string detail)
    {
        _errors ??= [];
        if (_errors.Count < told)
            _errors.Add(new(Short(pointer), code, detail));
        else
            _untold++;
    }

    /// <summary>The pointer, or its beginning when it is too long for an answer.</summary>
    public static string Short(string pointer) => pointer.Length <= LongestPointer ? pointer : pointer[..LongestPointer] + "…";

    public void Add(string pointer, (string Code, string Detail) fault) => Add(pointer, fault.Code, fault.Detail);

    /// <summary>The problem's own code is the errors' code when they all have the same, else <c>validation_failed</c>.</summary>
    public Problem ToProblem(string detail)
    {
        var errors = _errors ?? [];
        var code = errors.TrueForAll(e => e.Code == errors[0].Code) ? errors[0].Code : "validation_failed";
        if (errors.Count == 1 && _untold == 0)
            detail = errors[0].Pointer.Length > 0 ? $"{errors[0].Pointer}: {errors[0].Detail}" : errors[0].Detail;
        else if (_untold > 0)
            detail += $" {_untold} more mistakes are not listed.";
        return new(422, code, detail, errors);
    }
}
