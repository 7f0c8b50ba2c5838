"""The statements of `sqlite.sql` by their names."""

from importlib.resources import files


def _named() -> dict[str, str]:
    text = files("delegate_mcp.ledger").joinpath("sqlite.sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split("-- name: ")[1:])
    return {name.strip(): body for name, _, body in parts}


SQL = _named()
