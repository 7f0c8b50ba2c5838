"""Which files hold credentials, by their names and places, and which hard links lead to them.

To keep another kind of file from being sent, add its name to `_NAMES` (patterns), or its directory to `_DIRECTORIES`
(anywhere) or to `_IN_HOME` (below the home directory; projects have harmless directories of the same names).
"""

import os
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

_NAMES = (
    ".env", ".env.*", ".envrc", "*.env",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "ssh_host_*_key", "*.ppk",
    "*.pem", "*.key", "*.p8", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.agekey", "secring.gpg",
    ".netrc", "_netrc", ".pgpass", "pgpass.conf", ".my.cnf", ".mylogin.cnf", ".git-credentials", ".npmrc",
    ".yarnrc.yml", ".pypirc", ".htpasswd", ".vault-token", ".dockercfg", ".dockerconfigjson", ".boto", ".s3cfg",
    ".terraformrc", "credentials", "credentials.json", "credentials.toml", "credentials.tfrc.json",
    "application_default_credentials.json", "client_secret*.json", "service-account*.json", "service_account*.json",
    "kubeconfig", "*.kubeconfig",
    "login data", "login data for account", "web data", "cookies", "cookies.sqlite", "key3.db", "key4.db",
    "logins.json", "signons.sqlite", "wallet.dat",
)  # fmt: skip
_HARMLESS = (
    ".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "example.env", "sample.env",
    "template.env",
)  # fmt: skip
_DIRECTORIES = frozenset({".ssh", ".gnupg", ".password-store"})
_IN_HOME = (
    ".aws", ".azure", ".kube", ".docker", ".oci", ".fly", ".terraform.d", ".config/gcloud", ".config/gh", ".config/hub",
    ".config/glab-cli", ".config/doctl", ".config/heroku", ".config/op", ".config/rclone", ".config/sops",
    ".config/age", ".config/github-copilot", ".claude/.credentials.json", ".codex/auth.json",
    ".gemini/oauth_creds.json", ".local/share/opencode/auth.json", ".huggingface", ".cache/huggingface/token",
    ".cargo/credentials", ".gem/credentials", ".m2/settings.xml", ".gradle/gradle.properties", ".subversion/auth",
    ".mozilla", ".thunderbird", ".config/google-chrome", ".config/chromium", ".config/microsoft-edge",
    ".config/BraveSoftware", ".config/vivaldi", ".config/opera", "snap/firefox", "snap/chromium", ".var/app",
    ".local/share/keyrings", ".local/share/kwalletd", ".bitcoin", ".electrum",
    ".bash_history", ".zsh_history", ".python_history", ".psql_history", ".mysql_history",
    "Library/Application Support/Google", "Library/Application Support/Firefox", "Library/Application Support/Chromium",
    "Library/Application Support/BraveSoftware", "Library/Application Support/Microsoft Edge",
    "Library/Application Support/Arc", "Library/Keychains", "Library/Cookies", "Library/Safari", "Library/Containers",
    "AppData",
)  # fmt: skip
_MOST_LOOKED_AT = 10_000
"""Entries of credential directories: a browser's profile can hold any number."""


def is_credential(path: Path, home: Path) -> bool:
    """Whether a path holds credentials, judged by its names alone."""
    parts = [folded(part) for part in path.parts]
    if not parts or any(part in _DIRECTORIES for part in parts):
        return bool(parts)
    if any(path.is_relative_to(home / place) for place in _IN_HOME):
        return True
    name = parts[-1]
    return name not in _HARMLESS and any(fnmatchcase(name, pattern) for pattern in _NAMES)


def folded(name: str) -> str:
    """A name as file systems that ignore case, invisible signs, trailing dots or a stream's name read it."""
    visible = "".join(sign for sign in unicodedata.normalize("NFC", name) if unicodedata.category(sign) != "Cf")
    return (visible.partition(":")[0] or visible).casefold().rstrip(" .")


class OtherNames:
    """The credential files there are, by device and inode: a hard link gives one of them a harmless name.

    Looked up at the first file that has a second name, which may be never. The other names of a file cannot be asked
    for, so it is held against the credential files in their usual places and above it.
    """

    def __init__(self, home: Path, closed: Iterable[Path], roots: Iterable[Path]) -> None:
        self._home = home
        self._closed = tuple(closed)
        self._roots = tuple(roots)
        self._usual: frozenset[tuple[int, int]] | None = None
        self._seen: dict[Path, frozenset[tuple[int, int]]] = {}

    def lead_to_credentials(self, real: Path, status: os.stat_result) -> bool:
        """Whether this file, which was opened at that path, is one of them under another name."""
        if status.st_nlink < 2:  # noqa: PLR2004 - one name is its own
            return False
        if self._usual is None:
            self._usual = frozenset(_identities(self._usual_places()))
        this = (status.st_dev, status.st_ino)
        return this in self._usual or any(this in self._named_in(above) for above in self._above(real))

    def _usual_places(self) -> Iterator[Path]:
        yield from (self._home / place for place in (*sorted(_DIRECTORIES), *_IN_HOME))
        yield from self._closed
        yield from self._credentials_in(self._home)

    def _above(self, real: Path) -> Iterator[Path]:
        return (above for above in real.parents if any(above.is_relative_to(root) for root in self._roots))

    def _named_in(self, directory: Path) -> frozenset[tuple[int, int]]:
        if directory not in self._seen:
            self._seen[directory] = frozenset(_identities(self._credentials_in(directory)))
        return self._seen[directory]

    def _credentials_in(self, directory: Path) -> Iterator[Path]:
        with suppress(OSError), os.scandir(directory) as entries:
            yield from (Path(entry) for entry in entries if is_credential(Path(entry), self._home))


def _identities(places: Iterable[Path]) -> Iterator[tuple[int, int]]:
    """Device and inode of all files at and under the places, as far as can be looked at."""
    todo = list(places)
    for place in todo[:_MOST_LOOKED_AT]:
        with suppress(OSError):
            status = place.lstat()
            yield status.st_dev, status.st_ino
    left = _MOST_LOOKED_AT
    while todo and left > 0:
        with suppress(OSError), os.scandir(todo.pop(0)) as entries:
            for entry in entries:
                left -= 1
                if entry.is_dir(follow_symlinks=False):
                    todo.append(Path(entry))
                else:
                    status = entry.stat(follow_symlinks=False)
                    yield status.st_dev, status.st_ino
