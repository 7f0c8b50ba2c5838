"""What code and sums look like, wherever they stand in a text."""

import re

CODE_LINE = re.compile(
    r"^[ \t]*(?:def |class |import |from \w+ import |function |const |let |var |public |private |protected |#include|"
    r"return\b|"
    r"if ?\(|for ?\(|while ?\(|\w+\([^\n]*\);?$|[^\n]*[{};]$|select .+ from |package |fn |func |using )",
    re.MULTILINE | re.IGNORECASE,
)
CODE_MARK = re.compile(
    r"=>|\(\)[;{.]|\+\+[;)]|&&|\|\||\w+\[\w+\]|^(?:async )?def \w+\(|\bfunction \w*\(|#include|SELECT .{1,80} FROM |"
    r"</\w+>|\w+\.\w+\(|[!=]==?[^=]|;\s*$|::",
    re.MULTILINE,
)
STUB = re.compile(
    r"^[ \t]*(?:async )?(?:def|function|fn|func) \w+\([^)]*\)[^\n]*\n?\s*(?:\"\"\"|'''|//|#|/\*)", re.MULTILINE
)
CODE_WORD = re.compile(
    r"\b(?:if|else|elif|for|while|switch|case|match|return|def|class|struct|public|private|try|catch|except|await)\b"
)
"""Words of which a piece of code has the more, the more it does."""

NUMBER = re.compile(
    r"(?<![\w.])\$?\d[\d,]*(?:\.\d+)?%?(?![\w])|\b(?:two|three|four|five|six|seven|eight|nine|ten|twice|half|dozen|double)\b"
)
HOW_MANY = re.compile(
    r"\b(?:how (?:many|much|long|far|old|fast|tall|often)|what (?:is|was|will be|would be|are) (?:the )?(?:total|sum|"
    r"average|difference|percentage|price|cost|speed|ratio|area|volume|minimum|maximum|value|profit)|"
    r"how .{0,20} in total)\b"
)
RELATION = re.compile(
    r"\b(?:more|less|fewer|than|times|each|every|per|percent|if|after|then|remaining|rest|left|total|third|quarter)\b"
)
"""Words by which the quantities of a sum hang together."""
