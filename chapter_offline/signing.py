"""A detached signature over a manifest, made and checked by OpenSSH (`ssh-keygen -Y`).

The manifest names the sha256 of every file of a chapter, so one signature covers them all.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from chapter_offline.errors import BadInputError, NotTheSameError, UsageError
from chapter_offline.output.folder import write_whole
from chapter_offline.writing.manifest import MANIFEST, Manifest, shape_json

SIGNATURE = f"{MANIFEST}.sig"
NAMESPACE = "chapter-offline"

_PATIENCE_SECONDS = 120  # a key may want its passphrase, or a touch


@dataclass(frozen=True)
class Signed:
    """A signature that is good. key: its fingerprint. known: whether the key is the one that was named."""

    key: str
    known: bool


def put_manifest(folder: Path, made: Manifest) -> None:
    """Writes a manifest into its folder; a signature over another one that lay there is removed."""
    data, path = shape_json(made), folder / MANIFEST
    if not (path.is_file() and path.read_bytes() == data):
        (folder / SIGNATURE).unlink(missing_ok=True)
    write_whole(path, data)


def sign(folder: Path, key: Path) -> Path:
    """Signs the manifest in a folder with a private key, or a public one whose agent has the other.

    Raises UsageError where ssh-keygen or the key can't be used.
    """
    signature = folder / SIGNATURE
    if not key.is_file():
        raise UsageError(f"--sign {key}: there is no such key")
    manifest = (folder / MANIFEST).read_bytes()
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as place:
        copy = Path(place) / MANIFEST
        copy.write_bytes(manifest)
        done = _run("sign", "-f", str(key), "-n", NAMESPACE, str(copy))
        if done.returncode:
            raise UsageError(f"--sign {key}: ssh-keygen can't sign with it: {_said(done)}")
        copy.with_name(SIGNATURE).replace(signature)
    return signature


def verify(folder: Path, key: Path | None) -> Signed:
    """Checks the signature over the manifest in a folder. key: the signer's public key, if known.

    Raises UsageError where there is no signature or no ssh-keygen, BadInputError for a key that is none,
    NotTheSameError for a signature that isn't good, or that another key has made.
    """
    signature = folder / SIGNATURE
    if not signature.is_file():
        raise UsageError(f"{folder}: no {SIGNATURE} there; --sign KEY makes one")
    manifest = (folder / MANIFEST).read_bytes()
    checked = _run("check-novalidate", "-n", NAMESPACE, "-s", str(signature), data=manifest)
    if checked.returncode:
        raise NotTheSameError(f"{signature}: no good signature over {MANIFEST}: {_said(checked)}")
    found = re.search(r"SHA256:[A-Za-z0-9+/=]+", checked.stdout.decode("utf-8", "replace"))
    fingerprint = found[0] if found else "an unknown key"
    if key is None:
        return Signed(fingerprint, known=False)
    with tempfile.TemporaryDirectory(prefix="chapter-offline-") as place:
        signers = Path(place) / "signers"
        signers.write_text(f'signer namespaces="{NAMESPACE}" {_public(key)}\n', encoding="utf-8")
        asked = ("-f", str(signers), "-I", "signer", "-n", NAMESPACE, "-s", str(signature))
        named = _run("verify", *asked, data=manifest)
    if named.returncode:
        raise NotTheSameError(f"{signature}: signed by another key than {key}: {fingerprint}")
    return Signed(fingerprint, known=True)


def _public(path: Path) -> str:
    """The key of a `.pub` file, without its comment."""
    try:
        words = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"--key {path}: can't be read: {error}") from None
    if len(words) < 2 or not re.fullmatch(r"[a-z0-9@.-]+", words[0]):
        raise BadInputError(f"--key {path}: no public key of OpenSSH; give the file KEY.pub")
    return " ".join(words[:2])


def _run(what: str, *arguments: str, data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", what, *arguments],
            input=data,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("ssh-keygen is not here; install OpenSSH to sign and to verify") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"ssh-keygen took longer than {_PATIENCE_SECONDS} s") from None


def _said(done: "subprocess.CompletedProcess[bytes]") -> str:
    text = (done.stderr or done.stdout).decode("utf-8", "replace")
    return " ".join(text.split())[:200] or "no reason given"
