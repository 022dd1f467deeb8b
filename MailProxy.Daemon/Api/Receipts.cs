using System.Text.Json;
using MailProxy.Pipeline.Flow;
using MailProxy.Pipeline.Mail;

namespace MailProxy.Daemon.Api;

/// <summary>Turns what Ingest and Persist say of drafts into answers. Pure.</summary>
internal static class Receipts
{
    /// <summary>The 202 of one message, or null when it was refused.</summary>
    public static StoredAnswer? One(IReadOnlyList<ReceiptLine> lines) =>
        lines is [{ Problem: null, Id: { } id } line]
            ? new(
                StatusCodes.Status202Accepted,
                JsonSerializer.SerializeToUtf8Bytes(new Receipt(id, line.State.Name(), Times.Utc(line.CreatedAt)), ApiJson.Plain.Receipt)
            )
            : null;

    /// <summary>The 200 of a batch: good items were queued though others were refused.</summary>
    /// <param name="locate">Makes a message's pointer relative to the request.</param>
    public static StoredAnswer Batch(IReadOnlyList<ReceiptLine> lines, Func<int, string, string> locate)
    {
        var results = new ReceiptItem[lines.Count];
        for (var index = 0; index < results.Length; index++)
            results[index] = Item(index, lines[index], locate);
        return new(StatusCodes.Status200OK, JsonSerializer.SerializeToUtf8Bytes(new(results), ApiJson.Plain.BatchReceipt));
    }

    public static ReceiptItem Item(int index, ReceiptLine line, Func<int, string, string> locate) =>
        line.Problem is { } problem
            ? new(index, line.Id, Error: Error(problem, index, locate, line))
            : new(index, line.Id, line.State.Name());

    /// <summary>Lines for drafts that the binder had refused already.</summary>
    public static ReceiptLine[] Refused(IReadOnlyList<Draft> drafts) =>
        [.. drafts.Select(d => new ReceiptLine(d.Mail?.Id, default, 0, d.Problem))];

    public static ProblemAnswer Refusal(ReceiptLine line) =>
        new(
            line.Problem!,
            line.Problem!.Status == StatusCodes.Status503ServiceUnavailable ? 5 : null,
            IsConflict(line) ? line.Id : null,
            IsConflict(line) ? line.State : null
        );

    private static ProblemAnswerBody Error(Problem problem, int index, Func<int, string, string> locate, ReceiptLine line)
    {
        var located =
            problem.Errors.Count == 0
                ? problem
                : problem with
                {
                    Errors = [.. problem.Errors.Select(e => e with { Pointer = locate(index, e.Pointer) })],
                };
        return ProblemAnswer.Body(located, null, IsConflict(line) ? line.State : null);
    }

    // Only a conflict is about a message that exists, and so has a state.
    private static bool IsConflict(ReceiptLine line) => line.Problem?.Status == StatusCodes.Status409Conflict;
}
