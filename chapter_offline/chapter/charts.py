"""Curves of simulations, as Mermaid text."""

from chapter_offline.chapter.render import Page

_INDENT = "    "
_POINTS = 40
_COLOURS = "#0b5394, #cc5500"
_THOUSANDS = ((1e6, "millions"), (1e3, "thousands"))

Series = tuple[tuple[float, float], ...]


def shedding(page: Page) -> str:
    """Answers in time, with a limit on waiting and without."""
    if not page.figures.simulates("shed", "unshed"):
        return ""
    runs = [page.figures.outcome(name).goodput for name in ("shed", "unshed")]
    return _chart("answers in time a second", runs)


def storm(page: Page) -> str:
    """Calls that reach the store, by who retries."""
    if not page.figures.simulates("storm", "calm"):
        return ""
    runs = [page.figures.outcome(name).calls_series for name in ("storm", "calm")]
    return _chart("calls a second", runs)


def slow(page: Page) -> str:
    """Calls in progress while the store is slow."""
    if not page.figures.simulates("slow"):
        return ""
    return _chart("calls in progress", [page.figures.outcome("slow").calls])


def _chart(what: str, runs: list[Series]) -> str:
    """A line for each run over the same seconds."""
    most = max(value for run in runs for _, value in run)
    scale, word = next(((s, w) for s, w in _THOUSANDS if most >= 10 * s), (1.0, ""))
    end = runs[0][-1][0] + runs[0][0][0]
    palette = f'{{"themeVariables": {{"xyChart": {{"plotColorPalette": "{_COLOURS}"}}}}}}'
    lines = [
        f"%%{{init: {palette}}}%%",
        "xychart-beta",
        f'{_INDENT}x-axis "seconds" 0 --> {_short(end)}',
        f'{_INDENT}y-axis "{what}{f", {word}" if word else ""}" 0 --> {_short(most / scale)}',
    ]
    lines += [f"{_INDENT}line [{', '.join(_thinned(run, scale))}]" for run in runs]
    return "\n".join(lines)


def _thinned(run: Series, scale: float) -> list[str]:
    """Means over equal stretches of a run."""
    width = max(1, len(run) // _POINTS)
    return [
        _short(sum(value for _, value in run[at : at + width]) / width / scale)
        for at in range(0, len(run) - width + 1, width)
    ]


def _short(value: float) -> str:
    """To about three digits, and never as a power of ten, which Mermaid can't read."""
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 5
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
