"""What of a check's output goes to whom: the end of it, without credentials, and to no cloud where it may not go."""

from delegate_mcp.config.settings import PrivacySettings
from delegate_mcp.delivery.untrusted import for_reader, framed
from delegate_mcp.domain.brief import Brief, Message
from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.usage import estimate_tokens
from delegate_mcp.privacy.gate import guard

_MODEL_TOKENS = 1_500
_DIRECTOR_TOKENS = 300
_HIDDEN = "(Its output holds what must not be shown; run the check yourself.)"


def for_model(output: str, brief: Brief, settings: PrivacySettings) -> str | None:
    """The end of it for a model that may answer this brief; None: it may not be sent."""
    text = _tail(output, _MODEL_TOKENS)
    if brief.private:
        return text
    if settings.secrets == "local":  # placeholders are enough: who answers has been chosen
        settings = settings.model_copy(update={"secrets": "redact"})
    found = _guarded(text, settings)
    return None if found is None or found.private else found.messages[0].text


def for_director(output: str, settings: PrivacySettings, max_tokens: int | None) -> str:
    """The end of it for the director, who pays for it."""
    text = _tail(output, max_tokens or _DIRECTOR_TOKENS)
    found = _guarded(text, settings.model_copy(update={"secrets": "redact", "pii": "off"}))
    if found is None or found.private:
        return _HIDDEN
    return f"Last lines of its output:\n{framed(found.messages[0].text)}" if text else "It printed nothing."


def _guarded(text: str, settings: PrivacySettings) -> Brief | None:
    """The text as it may go on; private where it may not leave this machine. None: it may go nowhere."""
    tokens = estimate_tokens(text)
    try:
        return guard(Brief(messages=(Message("user", text),), prompt=text, input_tokens=tokens), settings)
    except InputError:
        return None


def _tail(output: str, max_tokens: int) -> str:
    """Its last lines, as many as fit; of a longer line its end."""
    text = for_reader(output).rstrip()
    lines: list[str] = []
    left = max_tokens
    for line in reversed(text.split("\n")):
        tokens = estimate_tokens(line) + 1
        if tokens > left:
            if not lines:
                lines.append(line[-max_tokens * 3 :])
            break
        left -= tokens
        lines.append(line)
    return "\n".join(reversed(lines))
