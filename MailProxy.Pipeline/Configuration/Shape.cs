namespace MailProxy.Pipeline.Configuration;

/// <summary>What the documents say of a member's form.</summary>
/// <param name="Type">JSON's word: <c>string</c>, <c>integer</c>, <c>number</c>, <c>boolean</c>, <c>array</c>; of an object the name of
/// its schema.</param>
public sealed record Shape(string Type)
{
    /// <summary>Most characters of an address that is asked over HTTP.</summary>
    public const int LongestUrl = 2_048;

    public static readonly Shape Text = new("string");
    public static readonly Shape Flag = new("boolean");

    /// <summary>Answers say it as RFC 3339; requests may say Unix seconds too.</summary>
    public static readonly Shape Time = new("string") { Format = "date-time" };

    /// <summary>Base64; a store has the bytes.</summary>
    public static readonly Shape Bytes = new("string") { Format = "byte" };

    public static readonly Shape Texts = new("array") { Items = Text };
    public static readonly Shape Decimal = new("number") { Format = "double" };
    public static readonly Shape Numbers = new("array") { Items = Decimal };

    /// <summary>An address that is asked over HTTP.</summary>
    public static readonly Shape Url = new("string") { Longest = LongestUrl };

    /// <summary>The id of another resource.</summary>
    public static readonly Shape ObjectId = new("string") { Longest = 63, Pattern = IdSyntax.ObjectPattern };

    public static Shape Whole(long? least = null, long? most = null, string format = "int32") =>
        new("integer")
        {
            Format = format,
            Least = least,
            Most = most,
        };

    public string? Format { get; init; }
    public IReadOnlyList<string>? Choices { get; init; }
    public decimal? Least { get; init; }
    public decimal? Most { get; init; }

    /// <summary>Characters (UTF-16 units) of a text at most.</summary>
    public int? Longest { get; init; }

    /// <summary>What a text must match, as a regular expression of ECMA-262.</summary>
    public string? Pattern { get; init; }

    /// <summary>Items of a list at least.</summary>
    public int? Fewest { get; init; }

    /// <summary>Items of a list, or members of an object with any names, at most.</summary>
    public int? MostItems { get; init; }

    /// <summary>Requests may write this instead of the object.</summary>
    public Shape? Or { get; init; }
    public Shape? Items { get; init; }

    /// <summary>It is an object with these members.</summary>
    public IFieldList? Object { get; init; }

    /// <summary>It is an object of members of any name, each of this form.</summary>
    public Shape? Values { get; init; }

    /// <summary>It is an object that the documents know by its <see cref="Type"/>; in requests with <c>Request</c> behind.</summary>
    public bool Known { get; init; }
}
