using MailProxy.Pipeline.Intake;
using MailProxy.Pipeline.Sharing;
using Microsoft.Extensions.Options;

namespace MailProxy.Daemon.Api;

/// <summary>Bytes of answers that are ready and not read yet by their clients: charged to the tenant, and shared.</summary>
internal sealed class AnswerMemory
{
    /// <summary>What every answer may have; the server's own buffers are no smaller.</summary>
    public const int Unnoticed = 64 << 10;

    // The least rate that the server asks of a reader is asked of each piece, so that an answer of megabytes gives no hours.
    private const int Piece = 32 << 10;

    private readonly SharedCapacity _bytes;
    private readonly IngestOptions _limits;
    private readonly TimeProvider _clock;

    public AnswerMemory(IOptions<ApiOptions> options, IngestOptions limits, TenantShare share, TenantShares shares, TimeProvider clock)
    {
        (_limits, _clock) = (limits, clock);
        _bytes = new(options.Value.AnswerBytes, share);
        shares.Add("answer_bytes", _bytes);
    }

    /// <summary>The most that one answer is charged: it must not shut the others out, however large it is.</summary>
    public long Most => _bytes.Capacity / 2;

    /// <summary>Throws <see cref="OverloadedException"/> when there is no capacity within a request's wait.</summary>
    public async ValueTask<IDisposable> ChargeAsync(HttpContext http, long bytes)
    {
        var tenant = Caller.Of(http).Tenant;
        var amount = Math.Min(bytes, Most);
        var charge = _bytes.TryTake(tenant, amount);
        if (charge is not null)
            return charge;
        var wait = new WaitBudget(_limits.RequestWait, _clock);
        await wait.TryAsync(async (at, cancel) => charge = await at.TakeAsync(tenant, amount, cancel), _bytes, http.RequestAborted);
        return charge ?? throw new OverloadedException();
    }

    /// <summary>Writes a whole answer, charged until the client has read it.</summary>
    public async Task WriteAsync(HttpContext http, ReadOnlyMemory<byte> body, string contentType, int status = StatusCodes.Status200OK)
    {
        using var charge = body.Length > Unnoticed ? await ChargeAsync(http, body.Length) : null;
        http.Response.StatusCode = status;
        http.Response.ContentType = contentType;
        var isText = contentType.StartsWith("application/json", StringComparison.Ordinal);
        http.Response.ContentLength = body.Length + (isText ? 1 : 0);
        await SendAsync(http, body);
        if (isText)
            await EndLineAsync(http);
    }

    /// <summary>The end of a JSON answer's line, so that a shell's next prompt has one of its own.</summary>
    public static async Task EndLineAsync(HttpContext http) =>
        await http.Response.BodyWriter.WriteAsync("\n"u8.ToArray(), http.RequestAborted);

    /// <summary>Piece by piece, as the client reads.</summary>
    public static async Task SendAsync(HttpContext http, ReadOnlyMemory<byte> body)
    {
        for (var rest = body; !rest.IsEmpty; rest = rest[Math.Min(Piece, rest.Length)..])
        {
            await http.Response.BodyWriter.WriteAsync(rest[..Math.Min(Piece, rest.Length)], http.RequestAborted);
        }
    }

    /// <summary>The rest of a file, piece by piece, as the client reads.</summary>
    public static async Task SendAsync(HttpContext http, Stream file)
    {
        var piece = new byte[Piece];
        for (int read; (read = await file.ReadAsync(piece, http.RequestAborted)) > 0; )
        {
            await http.Response.BodyWriter.WriteAsync(piece.AsMemory(0, read), http.RequestAborted);
        }
    }
}

/// <summary>A whole answer that is bytes already.</summary>
internal sealed class BytesAnswer(AnswerMemory memory, ReadOnlyMemory<byte> body, string contentType) : IResult
{
    public Task ExecuteAsync(HttpContext http) => memory.WriteAsync(http, body, contentType);
}
