"""What PostgreSQL's errors mean for a person. To add one: a row in WHAT_TO_DO, by SQLSTATE or its class."""

import psycopg
from psycopg.conninfo import conninfo_to_dict

from delegate_mcp.domain.errors import LedgerError

_LOCKED = ("another server holds it", "End what holds it (a hung server, a backup, an open psql), then try again.")
_NOT_OURS = (
    "its tables are not as they should be",
    "Let nothing else write to the schema delegate_mcp; restart the servers if it was restored or removed.",
)
_AWAY = ("the database could not be reached", "Check that it runs and that this machine may connect to it.")

WHAT_TO_DO: dict[str, tuple[str, str]] = {
    "55P03": _LOCKED,
    "57014": _LOCKED,
    "53100": ("the database's disk is full", "Free some space there, then try again."),
    "53300": (
        "the database takes no more connections",
        "Each server needs three: raise max_connections, or end servers that are not needed.",
    ),
    "42501": (
        "access was denied",
        "Let the user in DELEGATE_MCP_LEDGER make the schema delegate_mcp: GRANT CREATE ON DATABASE … TO …",
    ),
    "25006": ("the database is read-only", "Name its primary server in DELEGATE_MCP_LEDGER, not a standby."),
    "42P01": _NOT_OURS,
    "42703": _NOT_OURS,
    "3F000": _NOT_OURS,
    "23": (
        "the entry contradicts what is on record",
        "Most likely the same call or attempt was begun twice; please report it.",
    ),
    "08": _AWAY,
    "57": _AWAY,
}

_PASSING = frozenset({"08", "40", "57"})
"""Classes that a new try may not meet: connection, rolled back for another's sake, server going down or coming up."""
_PASSING_STATES = frozenset({"25006", "25P03", "53300"})
"""A primary that became a standby, a transaction that the server ended, a full house."""

MOST_SKEW_S = 2.0
"""A machine whose clock is further from the database's than this is told of."""


def may_pass(error: psycopg.Error) -> bool:
    """Whether the same transaction may succeed on a new connection."""
    state = error.sqlstate
    if state is None:  # the client's own: no connection, or one that broke
        return isinstance(error, psycopg.OperationalError)
    return (state[:2] in _PASSING and state != "57014") or state in _PASSING_STATES


def shown(dsn: str) -> str:
    """The address without its user, password and options. LedgerError where it is none."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:  # its text may hold the password
        raise LedgerError(
            "DELEGATE_MCP_LEDGER is no address of a PostgreSQL database. It looks like "
            "postgresql://user:password@host:5432/database; in a password, write @ : / % as %40 %3A %2F %25."
        ) from None
    host, port = parts.get("host") or parts.get("hostaddr") or "localhost", parts.get("port")
    return f"postgresql://{host}{f':{port}' if port else ''}/{parts.get('dbname') or ''}"


def explained(error: psycopg.Error, where: str) -> LedgerError:
    """The same error in words that say what happened, what was kept and what to do."""
    state = error.sqlstate or ""
    said = _first_line(error)
    unknown = _AWAY if may_pass(error) else ("the database refused", "Try again; if it stays, please report it.")
    happened, remedy = WHAT_TO_DO.get(state) or WHAT_TO_DO.get(state[:2], unknown)
    return LedgerError(
        f"The ledger {where} could not be used: {happened} ({said}). "
        f"What it held before is kept; what was being recorded is not in it. {remedy}"
    )


def _first_line(error: psycopg.Error) -> str:
    """The server's own words, without the values that a DETAIL line holds."""
    said = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return said.rstrip(".") or type(error).__name__


def wrong_clock(skew_s: float) -> tuple[str, ...]:
    """What is told of a machine whose clock differs from the database's by so much; nothing where that is little."""
    if abs(skew_s) <= MOST_SKEW_S:
        return ()
    way = "ahead of" if skew_s > 0 else "behind"
    told = (
        f"This machine's clock is {abs(skew_s):.0f} s {way} the database's. The team's machines count limits by their "
        "own clocks: until this one is set (NTP), limits may be overrun at the edges of a minute."
    )
    return (told,)
