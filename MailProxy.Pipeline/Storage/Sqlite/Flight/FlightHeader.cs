using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace MailProxy.Pipeline.Storage.Sqlite.Flight;

/// <summary>Whose marks a flight log has.</summary>
/// <param name="Run">A random id, which each start commits to the store before its first mark.</param>
/// <param name="Before">The run before it: a start that ended between this header and the store's commit is known by it.</param>
/// <param name="Boot">The boot of the machine; after another one what was not synced is lost.</param>
internal sealed record FlightHeader(byte[] Run, byte[] Before, string Boot)
{
    /// <summary>Octets of the header.</summary>
    public const int Size = 256;

    private const int BootAt = 8 + 2 * FlightSlot.RunSize,
        SumAt = Size - SumSize,
        SumSize = 32;

    private static ReadOnlySpan<byte> Magic => "MPFLIGHT"u8;

    public void Write(Span<byte> octets)
    {
        octets.Clear();
        Magic.CopyTo(octets);
        Run.CopyTo(octets[8..]);
        Before.CopyTo(octets[(8 + FlightSlot.RunSize)..]);
        var boot = Encoding.ASCII.GetBytes(Boot);
        BinaryPrimitives.WriteUInt16LittleEndian(octets[BootAt..], (ushort)boot.Length);
        boot.CopyTo(octets[(BootAt + 2)..]);
        SHA256.HashData(octets[..SumAt], octets[SumAt..]);
    }

    /// <summary>Null: it is none, or torn.</summary>
    public static FlightHeader? Read(ReadOnlySpan<byte> octets)
    {
        Span<byte> sum = stackalloc byte[SumSize];
        SHA256.HashData(octets[..SumAt], sum);
        if (!octets.StartsWith(Magic) || !sum.SequenceEqual(octets[SumAt..]))
            return null;
        var run = octets.Slice(8, FlightSlot.RunSize).ToArray();
        var before = octets.Slice(8 + FlightSlot.RunSize, FlightSlot.RunSize).ToArray();
        var boot = octets.Slice(BootAt + 2, BinaryPrimitives.ReadUInt16LittleEndian(octets[BootAt..]));
        return new(run, before, Encoding.ASCII.GetString(boot));
    }
}
