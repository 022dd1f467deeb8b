using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace MailProxy.Pipeline.Storage.Moves;

/// <summary>Counts rows, and hashes them in the order in which they are told: the same on either database for the same rows.</summary>
internal sealed class TableDigest : IDisposable
{
    private const byte Nothing = 0,
        Number = 1,
        Octets = 2;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly ArrayBufferWriter<byte> _row = new();
    private long _rows;

    public void Add(ReadOnlySpan<Cell> row)
    {
        _row.ResetWrittenCount();
        foreach (var cell in row)
        {
            if (cell.IsNull)
                Add(Nothing, 0);
            else if (cell.Octets is not { } octets)
                Add(Number, cell.Number);
            else
            {
                Add(Octets, octets.Length);
                _row.Write(octets);
            }
        }

        _hash.AppendData(_row.WrittenSpan);
        _rows++;
    }

    /// <summary>The table, when nothing more comes.</summary>
    public MovedTable End(string name) => new(name, _rows, Convert.ToHexStringLower(_hash.GetHashAndReset()));

    public void Dispose() => _hash.Dispose();

    private void Add(byte kind, long value)
    {
        var head = _row.GetSpan(1 + sizeof(long));
        head[0] = kind;
        BinaryPrimitives.WriteInt64BigEndian(head[1..], value);
        _row.Advance(1 + sizeof(long));
    }
}
