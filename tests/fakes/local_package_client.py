"""A stand-in package client, run as a program with MANNER INTO PACKAGE: leaves there what its manner says."""

import sys
import zipfile
from pathlib import Path

CONTENT = b"GGUF" + bytes(range(256)) * 8
MEMBER = "some_package/Model.gguf"


def main() -> None:
    manner, into, package = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    with (into.parent / "asked.log").open("a", encoding="utf-8") as log:
        log.write(f"{manner} {package} {Path.cwd().name == into.name}\n")
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
