"""What a request asks for must make sense together, before anything is read or asked."""

from collections.abc import Callable

from delegate_mcp.domain.errors import InputError
from delegate_mcp.domain.request import DelegateRequest

MIN_RESULT_TOKENS, MAX_RESULT_TOKENS, MAX_TRIES, MAX_VOTES = 20, 100_000, 9, 9

_WRONG: tuple[tuple[Callable[[DelegateRequest], bool], str], ...] = (
    (
        lambda asked: asked.edit and not asked.files,
        "edit: the answer is a patch of `files`, and none are named. Name the files to change.",
    ),
    (
        lambda asked: asked.edit and asked.save_to is not None,
        "edit changes `files`, save_to writes the answer to another file: give one of them.",
    ),
    (
        lambda asked: asked.edit and asked.edit_in is not None,
        "edit applies a model's patch, edit_in lets a CLI edit by itself: give one of them.",
    ),
    (
        lambda asked: asked.edit and asked.json_schema is not None,
        "edit: the answer is a patch, so it cannot meet a json_schema. Leave one of them out.",
    ),
    (
        lambda asked: asked.edit and asked.votes > 1,
        "edit: models do not vote on patches. Leave `votes` out.",
    ),
    (
        lambda asked: asked.check is not None and not (asked.edit or asked.save_to or asked.edit_in),
        "check: nothing is written that could be checked. Give save_to, edit or edit_in too.",
    ),
    (
        lambda asked: not 1 <= asked.votes <= MAX_VOTES,
        f"votes: from 1 to {MAX_VOTES}.",
    ),
    (
        lambda asked: asked.verdict is not None and asked.thread is None,
        "verdict: it is on the answer to the call that `thread` names. Give `thread` too.",
    ),
    (
        lambda asked: not 1 <= asked.tries <= MAX_TRIES,
        f"tries: from 1 to {MAX_TRIES}.",
    ),
    (
        lambda asked: not MIN_RESULT_TOKENS <= (asked.max_result_tokens or MIN_RESULT_TOKENS) <= MAX_RESULT_TOKENS,
        f"max_result_tokens: from {MIN_RESULT_TOKENS} to {MAX_RESULT_TOKENS:,}.",
    ),
)
"""What cannot be asked for, and what the caller is told of it."""


def check_request(request: DelegateRequest) -> None:
    """InputError says what does not go together."""
    for is_wrong, told in _WRONG:
        if is_wrong(request):
            raise InputError(told)
