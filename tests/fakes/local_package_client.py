"""A stand-in package client, run as a program with MANNER INTO PACKAGE: leaves there what its manner says."""

import struct
import sys
import zipfile
from pathlib import Path

_KEYS = {b"general.architecture": struct.pack("<IQ5s", 8, 5, b"llama"), b"llama.block_count": struct.pack("<II", 4, 1)}
_PAIRS = b"".join(struct.pack("<Q", len(key)) + key + value for key, value in _KEYS.items())
CONTENT = b"GGUF" + struct.pack("<IQQ", 3, 0, len(_KEYS)) + _PAIRS + bytes(2_048)
MEMBER = "some_package/Model.gguf"


def main() -> None:
    manner, into, package = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    if Path.cwd() != into or not package:
        raise SystemExit("a client is started in the directory that it fills")
    if manner == "offline":
        sys.stderr.write("trying …\nerror: Connection refused\n")
        raise SystemExit(1)
    if manner == "wheel":
        with zipfile.ZipFile(into / "some_package-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(MEMBER, CONTENT)
            wheel.writestr("some_package/__init__.py", "raise SystemExit('run!')")
    if manner == "other-wheel":
        with zipfile.ZipFile(into / "some_package-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("some_package/__init__.py", "")
    if manner in {"unpacked", "tampered"}:
        target = into / MEMBER
        target.parent.mkdir()
        target.write_bytes(CONTENT if manner == "unpacked" else CONTENT[::-1])


if __name__ == "__main__":
    main()
