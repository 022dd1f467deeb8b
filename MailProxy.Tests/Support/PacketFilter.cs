using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MailProxy.Tests.Support;

/// <summary>
/// Makes a socket deaf: the kernel drops each packet for it before TCP sees it, so that nothing is acknowledged or refused. To the other
/// side that is a path that swallows packets. Linux (socket(7), SO_ATTACH_FILTER); needs no rights.
/// </summary>
internal static class PacketFilter
{
    private const int SolSocket = 1,
        AttachFilter = 26,
        DetachFilter = 27;

    // One instruction of the classic packet filter: return 0 octets of the packet (BPF_RET | BPF_K).
    private static readonly byte[] DropAll = [0x06, 0, 0, 0, 0, 0, 0, 0];

    /// <summary>Drops what comes. Connections that a listening socket makes later are as deaf as it is.</summary>
    public static void DropPackets(Socket socket)
    {
        var pinned = GCHandle.Alloc(DropAll, GCHandleType.Pinned);
        try
        {
            // struct sock_fprog: the number of instructions, and where they are.
            Span<byte> program = stackalloc byte[2 * IntPtr.Size];
            program.Clear();
            program[0] = 1;
            MemoryMarshal.Write(program[IntPtr.Size..], pinned.AddrOfPinnedObject());
            socket.SetRawSocketOption(SolSocket, AttachFilter, program);
        }
        finally
        {
            pinned.Free();
        }
    }

    /// <summary>Hears again.</summary>
    public static void TakePackets(Socket socket) => socket.SetRawSocketOption(SolSocket, DetachFilter, stackalloc byte[sizeof(int)]);
}
