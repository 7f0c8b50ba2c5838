"""Every fault that the stand-in plays, one row each, with what the product must make of it.

To add a fault: a row in FAULTS. What a service refuses with a whole response stands in `refusals` and has a row here by
its name. `tests/faults` walks all of them against every backend; `docs/failure.md` shows them.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from delegate_mcp.domain.errors import ErrorKind
from tests.fakes.faults import plays
from tests.fakes.faults.dialects import DIALECTS
from tests.fakes.faults.refusals import REFUSALS
from tests.fakes.faults.wire import Wire

Play = Callable[[Wire], Awaitable[None]]
Reached = Literal["plain", "self_signed", "plain_as_https", "silent_as_https", "closed", "unknown_host"]
Expected = ErrorKind | None
"""What is recorded of the attempt; None: the answer came all the same."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail."""

    name: str
    what: str
    """What the service does, in a few words."""
    kind: Expected
    play: Play | None = None
    """After a request has come; None where none can."""
    at_once: bool = False
    """Played when a connection is made, before any request."""
    differs: Mapping[str, Expected] = field(default_factory=dict[str, Expected])
    """By backend: what is recorded where it is not `kind`."""
    not_on: frozenset[str] = frozenset()
    """Backends that do not fail like this."""
    reached: Reached = "plain"
    lasts: bool = False
    """A sign of life comes again and again: nothing but the deadline ends it."""
    silent: bool = False
    """Nothing comes: backends that may be silent (local models) are waited for until the deadline."""
    stalls: bool = False
    """Nothing more comes after the first token: the limit on silence ends it everywhere."""

    @property
    def waits(self) -> bool:
        """Whether a limit in time ends it."""
        return self.lasts or self.silent or self.stalls

    def expected(self, backend: str) -> Expected:
        """What is recorded of an attempt at that backend."""
        return self.differs.get(backend, self.kind)

    def ends(self, backend: str) -> str:
        """How the call ends: with the backend's own answer, with that of the next candidate, or with an error."""
        kind = self.expected(backend)
        if kind is None:
            return "answer"
        return "error" if kind is ErrorKind.BAD_REQUEST or self.runs_out(backend) else "fallback"

    def runs_out(self, backend: str) -> bool:
        """Whether the call's own deadline ends it, so that no fallback has time left."""
        return self.lasts or (self.silent and backend == "llama-server")


def _refuse(name: str) -> Play:
    async def play(wire: Wire) -> None:
        refusal = REFUSALS[name][wire.dialect.backend]
        await wire.respond(refusal.status, refusal.body, refusal.headers)

    return play


def _refused(name: str, what: str, kind: ErrorKind) -> Fault:
    known = REFUSALS[name]
    differs: dict[str, Expected] = {backend: row.kind for backend, row in known.items() if row.kind is not None}
    not_on = frozenset(DIALECTS) - known.keys()
    return Fault(name=name, what=what, kind=kind, play=_refuse(name), differs=differs, not_on=not_on)


# --- The table -------------------------------------------------------------------------------------------------------

K = ErrorKind
LOCAL = frozenset({"llama-server"})

FAULTS: tuple[Fault, ...] = (
    _refused("bad_request_400", "400: a parameter is wrong", K.BAD_REQUEST),
    _refused("context_400", "400: longer than the model's context", K.TOO_LARGE),
    _refused("key_400", "400 that means the key", K.AUTH),
    _refused("decommissioned_400", "400: the model is decommissioned", K.MODEL_GONE),
    _refused("tool_use_failed_400", "400: the model called a tool", K.BAD_ANSWER),
    _refused("key_401", "401", K.AUTH),
    _refused("credit_402", "402: no credit", K.AUTH),
    _refused("denied_403", "403", K.AUTH),
    _refused("flagged_403", "403 of moderation", K.REFUSED),
    _refused("model_404", "404 that names the model", K.MODEL_GONE),
    _refused("elsewhere_404", "404 as a web page: a wrong address", K.BAD_ANSWER),
    _refused("timeout_408", "408", K.TIMEOUT),
    _refused("gone_410", "410", K.MODEL_GONE),
    _refused("too_large_413", "413", K.TOO_LARGE),
    _refused("invalid_422", "422", K.BAD_REQUEST),
    _refused("minute_429", "429 of a minute", K.RATE_LIMITED),
    _refused("day_429", "429 of a day or month", K.RATE_LIMITED),
    _refused("bare_429", "429 without `retry-after` or details", K.RATE_LIMITED),
    _refused("no_free_tier_429", "429 with `limit: 0`", K.MODEL_GONE),
    _refused("capacity_429", "429 that means the service's own capacity", K.OVERLOADED),
    _refused("capacity_498", "498", K.OVERLOADED),
    _refused("error_500", "500", K.OVERLOADED),
    _refused("bad_gateway_502", "502", K.OVERLOADED),
    _refused("unavailable_503", "503", K.OVERLOADED),
    _refused("gateway_timeout_504", "504", K.OVERLOADED),
    _refused("overloaded_529", "529", K.OVERLOADED),
    _refused("redirect_302", "302 to another address", K.BAD_ANSWER),
    Fault("refused", "nothing listens on the port", K.NETWORK, reached="closed"),
    Fault("unknown_host", "the name does not resolve", K.NETWORK, reached="unknown_host", not_on=LOCAL),
    Fault("reset_at_once", "connection reset when it is made", K.NETWORK, plays.reset, at_once=True),
    Fault("reset", "connection reset in place of a response", K.NETWORK, plays.reset),
    Fault("hangs_up", "connection closed in place of a response", K.NETWORK, plays.hang_up),
    Fault("https_to_plain", "TLS spoken to a plain port", K.NETWORK, reached="plain_as_https", not_on=LOCAL),
    Fault("https_to_silence", "silence within the TLS handshake", K.TIMEOUT, reached="silent_as_https", not_on=LOCAL),
    Fault("self_signed", "a certificate that nobody vouches for", K.NETWORK, reached="self_signed", not_on=LOCAL),
    Fault("not_http", "another protocol answers", K.NETWORK, plays.not_http),
    Fault("hang", "silence in place of a response", K.TIMEOUT, plays.hang, silent=True),
    Fault("hang_in_headers", "silence within the headers", K.TIMEOUT, plays.hang_in_headers, silent=True),
    Fault("hang_after_headers", "silence after the headers", K.TIMEOUT, plays.hang_after_headers, silent=True),
    Fault("hang_mid_stream", "silence in the middle of the answer", K.TIMEOUT, plays.hang_mid_stream, stalls=True),
    Fault("drip_headers", "headers, a byte now and then", K.TIMEOUT, plays.drip_headers, silent=True),
    Fault("drip_error", "an error's body, a byte now and then", K.TIMEOUT, plays.drip_error, silent=True),
    Fault(
        "drip_comments",
        "keep-alive comments and no token",
        K.TIMEOUT,
        plays.drip_comments,
        silent=True,
        differs={"gemini": K.BAD_ANSWER},
    ),
    Fault("drip_bytes", "the first token, a byte now and then", K.TIMEOUT, plays.drip_bytes, silent=True),
    Fault("drip_tokens", "a token now and then, without end", K.TIMEOUT, plays.drip_tokens, lasts=True),
    Fault("never_closes", "a whole answer on a stream that stays open", None, plays.never_close),
    Fault("cut_mid_stream", "connection closed in the middle of the answer", K.NETWORK, plays.cut_mid_stream),
    Fault("reset_mid_stream", "connection reset in the middle of the answer", K.NETWORK, plays.reset_mid_stream),
    Fault("cut_short", "fewer bytes than `content-length` says", K.NETWORK, plays.cut_short),
    Fault("no_finish", "the stream ends without a finish reason", K.BAD_ANSWER, plays.end_without_finish),
    Fault("malformed_json", "a piece that is no JSON", K.BAD_ANSWER, plays.malformed),
    Fault("not_an_object", "a piece that is JSON but no object", K.BAD_ANSWER, plays.not_an_object),
    Fault("bad_chunk", "a chunk length that is none", K.NETWORK, plays.bad_chunk),
    Fault("gzip_garbage", "`content-encoding: gzip` over what is none", K.BAD_ANSWER, plays.gzip_garbage),
    Fault("web_page", "200 with a web page", K.BAD_ANSWER, plays.page),
    Fault("plain_text", "200 with a plain text", K.BAD_ANSWER, plays.words),
    Fault("empty_body", "200 with nothing", K.BAD_ANSWER, plays.nothing),
    Fault("no_content_204", "204", K.BAD_ANSWER, plays.no_content),
    Fault("empty_answer", "a finish reason and no text", K.BAD_ANSWER, plays.empty_answer),
    Fault("only_thoughts", "all tokens went into reasoning", K.BAD_ANSWER, plays.only_thoughts),
    Fault("filtered", "broken off by a content filter", K.REFUSED, plays.filtered),
    Fault("error_in_a_200", "an error inside a 200", K.OVERLOADED, plays.error_in_a_200),
    Fault("limit_in_a_200", "a rate limit inside a 200", K.RATE_LIMITED, plays.limit_in_a_200),
    Fault("error_mid_stream", "an error in the middle of the answer", K.OVERLOADED, plays.error_mid_stream),
    Fault("header_flood", "headers without end", K.NETWORK, plays.header_flood),
    Fault("body_flood", "one event without end", K.BAD_ANSWER, plays.body_flood),
    Fault("error_flood", "an error's body without end", K.OVERLOADED, plays.error_flood),
)

BY_NAME: Mapping[str, Fault] = MappingProxyType({fault.name: fault for fault in FAULTS})
