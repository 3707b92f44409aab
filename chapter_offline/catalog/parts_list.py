"""The list of a bundle's parts, in CycloneDX's form, for whoever must approve what comes in."""

from collections.abc import Iterable, Mapping
from typing import Any

from chapter_offline.catalog.pins import Pin
from chapter_offline.catalog.wheels import Wheel


def parts_list(
    wheels: Iterable[Wheel], pin: Pin, files: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """A CycloneDX 1.5 document. files: the bundle's, by path, each with its sha256."""
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{wheel.name.lower()}@{wheel.version}",
            "name": wheel.name,
            "version": wheel.version,
            "purl": f"pkg:pypi/{wheel.name.lower()}@{wheel.version}",
            "licenses": [{"license": {"name": wheel.license}}],
            "hashes": _hashes(files[f"wheels/{wheel.path.name}"]["sha256"]),
        }
        for wheel in wheels
    ]
    model: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{pin.name}",
        "name": pin.name,
        "version": pin.commit or pin.digest[:16],
        "licenses": [{"license": {"name": pin.license} | _link(pin.license_link)}],
        "hashes": _hashes(pin.sha256),
    }
    if pin.repo:
        address = f"https://huggingface.co/{pin.repo}/resolve/{pin.commit}/{pin.file}"
        model["externalReferences"] = [{"type": "distribution", "url": address}]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "components": [*components, model],
    }


def _hashes(digest: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest}]


def _link(url: str) -> dict[str, str]:
    return {"url": url} if url else {}
