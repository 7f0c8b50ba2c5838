"""Names of values: which of them hold a password, a key or a token, and which only sound so.

To add a word that names a secret: WORDS (lower case; where it is looked for) and PASSWORD or SECRET. To keep a name
from being taken for one: a row in NO_SECRET, the word and what may stand beside it.
"""

import re

WORDS = (
    *(b"passw", b"pwd", b"passphrase", b"_pass", b"-pass", b"dbpass", b"_pw", b"-pw"),
    *(b"secret", b"token", b"apikey", b"key", b"credential", b"creds", b"auth", b"pin"),
)

PASSWORD = re.compile(rb"(?i)passw|pwd|passphrase|[_-](?:pass|pw)(?![a-z])|dbpass")

_KEYS_OF = (
    "private|access|encryption|signing|master|service|account|admin|auth|app|application|client|consumer|license|storage"
    "|deploy|crypt[a-z]*|hmac|jwt|aes|ssh|shared|user"
    "|algolia|anthropic|aws|azure|bluemix|claude|cloudant|cloudflare|cohere|datadog|deepseek|elevenlabs|fastly|gcp|gemini"
    "|github|gitlab|google|grok|groq|heroku|huggingface|ibm|mailchimp|mailgun|mistral|newrelic|openai|openrouter"
    "|perplexity|sendgrid|sentry|shodan|slack|softlayer|sonar|stripe|tavily|twilio|vercel|virustotal|xai|zendesk"
)
"""What a key belongs to or is for; services too, since many of their keys are of no form of their own."""
SECRET = re.compile(
    (
        rf"(?i)secret|token|api[_.\s-]?key|(?:{_KEYS_OF})[_.\s-]?key|credential|creds"
        r"|auth[_.-]?(?:key|token|secret)|authorization|_auth"
    ).encode()
)

NO_SECRET: dict[str, tuple[str, ...]] = {
    "{}[_.\\s-]?key": (
        "primary", "foreign", "partition", "sort", "cache", "hot", "schema", "sequence", "bucket", "row", "unique",
        "index", "object", "group", "dict", "map", "routing", "i18n", "lang", "message", "translation", "event",
        "query", "storage", "session_storage", "local_storage", "react", "registry", "data", "field", "column",
        "state", "config", "setting", "metric", "feature", "idempotency", "dedupe", "lookup", "shortcut", "menu",
        "issuer", "idx", "pub(?:lic)?",
    ),
    "key[_.-]?{}": (
        "alias", "board", "code", "frame", "ids?", "length", "mesh", "names?", "pair", "press", "ring", "selector",
        "signature", "size", "stone", "store", "types?", "words?", "up", "down", "left", "right", "event", "path",
        "file", "vault", "usage", "algorithm", "spec", "func", "fn", "error", "index", "count", "hash", "prefix",
        "format", "s$",
    ),
    "auth[_.-]?{}": (
        "or", "ur[il]", "type", "method", "mode", "provider", "domain", "server", "source", "backend", "scheme",
        "enabled", "port", "host", "path", "endpoint", "entication-results",
    ),
    "credentials?[_.-]?{}": ("ids?", "name", "type", "provider", "file", "path"),
    "access[_.-]?{}": ("id", "or", "ibility"),
    "secret[_.-]?{}": (
        "length", "name", "size", "id", "path", "ref", "type", "file", "arn", "version", "manager", "store", "scan",
    ),
    "{}[_.-]?token": (
        "csrf", "xsrf", "public", "next", "page", "continuation", "max", "min", "num", "total", "input", "output",
        "prompt", "eos", "bos", "pad", "unk", "sep", "cls", "mask", "stop", "special", "vocab", "start", "end",
        "completion",
    ),
    "token[_.-]?{}": (
        "i[sz]", "s", "count", "limit", "type", "ur[il]", "endpoint", "file", "name", "path", "ids?", "length", "size",
        "expir", "usage", "ttl", "audience", "issuer", "kind", "class", "list", "stream", "budget", "price", "index",
        "position", "map", "header",
    ),
    "pass(?:word|wd|phrase)?[_.-]?{}": (
        "field", "hint", "label", "length", "policy", "prompt", "reset", "confirm", "strength", "input", "type",
        "file", "path", "manager", "encoder", "hash", "validator", "changed", "expir", "ur[il]", "required", "rule",
        "regex", "pattern", "placeholder", "error", "message", "text", "format", "min", "max", "attempt", "protected",
        "less", "id", "name", "env", "var",
    ),
    "{}[_.\\s-]?pass": (
        "reset", "forgot", "change", "invalid", "wrong", "incorrect", "missing", "no", "show", "hide", "enter",
        "confirm", "by", "com",
    ),
    "pin{}": ("g", "ned", "e", "k", "s", "t", "c"),
    "{}": (
        "monkey", "turkey", "hockey", "donkey", "keying", "keyof", "withcredentials", "random[_.-]?access",
        "usersecretsid", "cancellation", "(?:api|access|secret|token|credentials?)[_.-]?(?:endpoint|ur[il])$",
        "ssh[_.-]?(?:rsa|ed25519)", "fingerprint", "checksum", "sha\\d", "integrity", "nonce", "mapping",
        "[a-z]pin(?!_?code)",
    ),
}  # fmt: skip
"""Where the braces stand, each of the words."""

_NO_SECRET = re.compile(
    ("(?i)" + "|".join(place.replace("{}", f"(?:{'|'.join(words)})") for place, words in NO_SECRET.items())).encode()
)


_NPM = re.compile(rb"(?i)^_auth(?:token)?$")
"""npm reads these only behind a registry, which is a form of its own: without one the value must speak for itself."""


def kind_of(name: bytes) -> str | None:
    """`password`, `secret`, or `key` where only the value can tell; None: a name that only sounds so."""
    if _NO_SECRET.search(name):
        return None
    if PASSWORD.search(name):
        return "password"
    return "secret" if SECRET.search(name) and not _NPM.match(name) else "key"
