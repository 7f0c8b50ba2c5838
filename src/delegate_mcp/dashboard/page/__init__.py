"""The page's parts, put together to one HTML document that asks for nothing from anywhere else.

`page.html` has the marks; the scripts are one module, in the order of SCRIPTS. To add a card: a row in `cards.js`.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

SCRIPTS = ("feed.js", "format.js", "plots.js", "flow.js", "cards.js", "gauges.js", "main.js")


@dataclass(frozen=True, slots=True)
class Page:
    """The document, and the policy under which a browser runs nothing but its own script and style."""

    html: str
    policy: str


@cache
def page() -> Page:
    """Read once."""
    folder = files(__name__)
    style = folder.joinpath("style.css").read_text(encoding="utf-8")
    script = "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in SCRIPTS)
    html = folder.joinpath("page.html").read_text(encoding="utf-8")
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return Page(html.replace("{{style}}", style).replace("{{script}}", script), policy)


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
