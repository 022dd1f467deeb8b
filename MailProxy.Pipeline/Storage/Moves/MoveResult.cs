namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>How far a move is.</summary>
/// <param name="What">What is counted, such as <c>rows copied</c>.</param>
public readonly record struct MoveProgress(string What, long Done, long Of);

/// <summary>What a move has moved, or would move.</summary>
/// <param name="Tables">Every table, by its name.</param>
/// <param name="Bodies">The bodies beyond 256 KB.</param>
/// <param name="BodyBytes">How long they are together; of a trial 0.</param>
/// <param name="Lost">Names of bodies that are nowhere to be found: those messages cannot be sent.</param>
/// <param name="ReplacedTexts">
/// Texts with octets that PostgreSQL does not take (U+0000), which stand as U+FFFD there.
/// </param>
/// <param name="Older">The schema of a source that the move has to bring forward first; null: it is as this program's.</param>
public sealed record MoveResult(
    IReadOnlyList<MovedTable> Tables,
    MovedTable Bodies,
    long BodyBytes,
    IReadOnlyList<string> Lost,
    long ReplacedTexts,
    int? Older
);

/// <summary>A table of which both sides have the same.</summary>
/// <param name="Sha256">Of all its rows in the order of the primary key; null: it was only counted.</param>
public sealed record MovedTable(string Name, long Rows, string? Sha256);
