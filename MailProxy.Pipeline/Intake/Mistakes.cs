using MailProxy.Pipeline.Mail;

namespace MailProxy.Pipeline.Intake;

/// <summary>Collects every mistake of one message, so that all are reported at once.</summary>
/// <param name="told">How many mistakes are listed.</param>
internal sealed class Mistakes(int told = Mistakes.Told)
{
    /// <summary>Limit on listed mistakes, so that a list of a million bad addresses does not become an answer with a million
    /// errors.</summary>
    public const int Told = 100;

    private List<FieldError>? _errors;
    private int _untold;

    public bool Any => _errors is not null;

    public void Add(string pointer, string code, string detail)
    {
        _errors ??= [];
        if (_errors.Count < told)
            _errors.Add(new(JsonPointer.Short(pointer), code, detail));
        else
            _untold++;
    }

    public void Add(string pointer, (string Code, string Detail) fault) => Add(pointer, fault.Code, fault.Detail);

    /// <summary>The problem's code is the code of the errors when all have the same, otherwise <c>validation_failed</c>.</summary>
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
