"""What a chapter was made with, as its manifest says, against what is here."""

import platform
from importlib.metadata import PackageNotFoundError, version

from chapter_offline import __version__
from chapter_offline.catalog.choose import ResolvedModel
from chapter_offline.engine.devices import build, processor
from chapter_offline.engine.interface import Engine
from chapter_offline.resources import prompts_dir
from chapter_offline.writing.manifest import Manifest, files_of


def differing(made: Manifest, engine: Engine, model: ResolvedModel) -> tuple[str, ...]:
    """What differs, a line each; () where nothing that is recorded does."""
    there = made.engine
    found = [
        f"{what}: {then} then, {now} here"
        for what, then, now in (
            ("program", made.program.version, __version__),
            ("model file", made.model.sha256, model.sha256),
            ("processor", there.processor, processor()),
            ("machine", there.machine, platform.machine()),
            ("layers on a GPU", there.gpu_layers, engine.settings.gpu_layers),
            ("build of llama.cpp", there.build, build().text),
        )
        if then != now
    ]
    here = engine.facts.libraries
    others = [
        name for name in {**there.libraries, **here} if there.libraries.get(name) != here.get(name)
    ]
    if others:
        found.append(f"llama.cpp: other bytes in {', '.join(sorted(others))}")
    found += [
        f"{name}: {then} then, {now} here"
        for name, then in made.libraries.items()
        if then != (now := _version(name))
    ]
    own = files_of(prompts_dir())
    prompts = [n for n in {**made.prompts.files, **own} if made.prompts.files.get(n) != own.get(n)]
    if prompts:
        more = f" and {len(prompts) - 3} more" if len(prompts) > 3 else ""
        found.append(f"prompts: others in {', '.join(sorted(prompts)[:3])}{more}")
    return tuple(found)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "none"
