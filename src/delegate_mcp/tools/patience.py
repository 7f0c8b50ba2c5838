"""How long a host waits for a tool before it drops the call. To add a host that is impatient: a line in HOSTS."""

from collections.abc import Mapping

HOSTS: Mapping[str, float] = {
    "cline": 60.0,  # its default for every server, `timeout` in its settings
    "roo code": 60.0,
    "kilo code": 60.0,
    "jcode": 30.0,  # github.com/1jehuang/jcode/issues/802
}
"""Seconds after which hosts are known to drop a call, by the lower-case name in their client info."""

CLAUDE_CODE_VARIABLE = "MCP_TOOL_TIMEOUT"
"""Claude Code's own limit, in milliseconds; a server that it starts inherits it."""
_MARGIN_S = 5.0
_LEAST_S = 1.0


def patience_s(setting: float, host: str, environ: Mapping[str, str]) -> float:
    """When to hand over the call's id, in seconds: as the setting says, earlier where the host would drop the call."""
    limits = [setting]
    if (known := HOSTS.get(host.strip().lower())) is not None:
        limits.append(known - _MARGIN_S)
    told = environ.get(CLAUDE_CODE_VARIABLE, "").strip()
    if told.isdecimal() and int(told) > 0:
        limits.append(int(told) / 1000 - _MARGIN_S)
    return max(_LEAST_S, min(limits)) if len(limits) > 1 else setting
