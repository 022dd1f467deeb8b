using System.Net.Sockets;
using Npgsql;

namespace MailProxy.Pipeline.Storage.Postgres;

/// <summary>Distinguishes trouble of the database, which passes, from mistakes of this program, which end it. Pure.</summary>
internal static class PgTrouble
{
    /// <summary>Describes what keeps the database from answering; null: the exception is a mistake of this program's.</summary>
    public static string? Describe(Exception error) =>
        error switch
        {
            PostgresException server => OfServer(server),
            NpgsqlException { InnerException: TimeoutException } => "the database does not answer in time",
            NpgsqlException { InnerException: SocketException socket } => $"the database cannot be reached ({socket.Message})",
            SocketException socket => $"the database cannot be reached ({socket.Message})",
            TimeoutException => "the database does not answer in time",
            NpgsqlException other => $"the connection to the database was lost ({other.Message})",
            _ => null,
        };

    // Classes of PostgreSQL's appendix A that say: later, perhaps.
    private static string? OfServer(PostgresException error) =>
        error.SqlState switch
        {
            "53100" => "the database's disk is full",
            "53200" => "the database is out of memory",
            "53300" => "the database takes no more connections",
            "25006" => "the database takes no writes: it is a replica, or was made read-only",
            "40001" or "40P01" or "55P03" => "another program's transaction is in the way",
            "57014" => "the database took too long over a statement, or somebody cancelled it",
            "25P03" or "25P04" => "the database ended the transaction, which took longer than it allows",
            "57P01" or "57P02" or "57P03" => "the database is being stopped or started",
            "57P04" => "the database was dropped",
            "57P05" => "the database ends connections that are idle (idle_session_timeout)",
            "58030" => "the database's disk reports an error",
            "XX001" or "XX002" => $"the database reports that it is damaged ({error.MessageText})",
            "XX000" => $"the database reports a mistake of its own ({error.MessageText})",
            "3D000" or "42501" or "55000" or "42P01" or "3F000" => $"the database refuses ({error.MessageText})",
            _ when error.SqlState.StartsWith("28", StringComparison.Ordinal) =>
                $"the database refuses the connection ({error.MessageText})",
            _ when error.SqlState.StartsWith("08", StringComparison.Ordinal) => "the connection to the database was lost",
            _ when error.SqlState.StartsWith("53", StringComparison.Ordinal) => error.MessageText,
            _ when error.SqlState.StartsWith("58", StringComparison.Ordinal) => error.MessageText,
            _ when error.InvariantSeverity is "FATAL" or "PANIC" => $"the database ends the connection ({error.MessageText})",
            _ => null,
        };
}
