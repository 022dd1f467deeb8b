using System.Globalization;

namespace MailProxy.Daemon.Api;

/// <summary>
/// Reads query parameters and gathers every mistake, each under its name. Names not known to the route were refused before.
/// </summary>
internal sealed class QueryReader(HttpContext http)
{
    public const int DefaultLimit = 50;
    public const int MaxLimit = 500;

    private static readonly string LimitRule = $"Must be a number from 1 to {MaxLimit}.";

    private readonly List<FieldError> _errors = [];
    private ProblemAnswer? _expired;

    /// <summary>All mistakes, or null when there are none. Asked for after everything was read.</summary>
    public ProblemAnswer? Refusal => _errors.Count > 0 ? ProblemAnswer.Invalid(_errors) : _expired;

    /// <summary>Null when absent; an empty value is a mistake.</summary>
    public string? Text(string name)
    {
        var values = http.Request.Query[name];
        if (values.Count == 0)
            return null;
        if (values[0] is { Length: > 0 } text)
            return text;
        Fault(name, "Must not be empty.");
        return null;
    }

    /// <summary>Where a list goes on. Absent or empty: null, and the list begins at its beginning.</summary>
    public string? Place(string name) => http.Request.Query[name] is [{ Length: > 0 } place] ? place : null;

    public T? Value<T>(string name, Func<string, T?> parse, string expected)
        where T : struct
    {
        if (Text(name) is not { } text)
            return null;
        if (parse(text) is { } value)
            return value;
        Fault(name, expected);
        return null;
    }

    public long? Time(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (Timestamps.TryRead(text, out var time))
            return time;
        Fault(name, Timestamps.Rule + " In a query a + is written %2B.", Timestamps.Code);
        return null;
    }

    /// <summary>A whole number from 0.</summary>
    public long? Whole(string name) => Value<long>(name, Number, "Must be a whole number.");

    /// <summary>The number of a line that was read before. Absent or empty: null.</summary>
    public long? PlaceNumber(string name) => Place(name) is null ? null : Whole(name);

    public int Limit()
    {
        var limit = Value<long>("limit", text => Number(text) is >= 1 and <= MaxLimit and var number ? number : null, LimitRule);
        return (int)(limit ?? DefaultLimit);
    }

    /// <param name="list">The route's own name for what it pages.</param>
    public long? CursorNumber(string list, string name = "cursor", string expected = "Must be a next_cursor of this list.")
    {
        if (Place(name) is not { } text)
            return null;
        var cursor = Cursor.Read(http, list, text);
        if (cursor.OfAnotherLife)
            _expired = Refusals.CursorOfAnotherLife;
        else if (cursor.Position is null)
            Fault(name, expected);
        return cursor.Position;
    }

    public string? CursorText()
    {
        if (Place("cursor") is not { } text)
            return null;
        if (Cursor.ReadText(text) is { } position)
            return position;
        Fault("cursor", "Must be a next_cursor of this list.");
        return null;
    }

    /// <summary>
    /// The tenant a list is about; null: every one (<c>?tenant=*</c>, for the admin key). False: there is no such tenant, as far as the
    /// caller may know.
    /// </summary>
    public bool Tenant(out string? tenant)
    {
        var caller = Caller.Of(http);
        tenant = Text("tenant") ?? caller.Tenant;
        if (tenant != "*")
            return caller.Knows(tenant);
        tenant = null;
        return caller.IsAdmin;
    }

    public void Fault(string name, string detail, string code = "invalid_parameter") => _errors.Add(new("/" + name, code, detail));

    private static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
