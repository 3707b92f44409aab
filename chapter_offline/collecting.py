"""Many finished chapters as one folder of pages."""

from collections.abc import Callable, Sequence
from pathlib import Path

from chapter_offline.errors import UsageError
from chapter_offline.knowledge.library import load_library, slug
from chapter_offline.output import folder as folders
from chapter_offline.output.book.entries import Bound, files_for
from chapter_offline.output.book.pages import index_html, search_html
from chapter_offline.output.html.page import chapter_html
from chapter_offline.output.svg import render_diagrams
from chapter_offline.rendering import open_finished
from chapter_offline.resources import cache_dir, prompts_dir


def make_book(chapters: Sequence[Path], out: Path, tell: Callable[[str], None]) -> Path:
    """Makes a folder of pages of finished chapters, and returns its index. Needs no model.

    tell: is told of each chapter. Raises what `open_finished` does, UsageError and InUseError.
    """
    if any(out.resolve() == each.resolve() for each in chapters):
        raise UsageError(f"--out {out}: that is one of the chapters; name another folder")
    folders.prepare(out)
    library = load_library(prompts_dir())
    with folders.held(out):
        finished = []
        for path in chapters:
            tell(str(path))
            finished.append(open_finished(path, library))
        names = [each.chapter.plan.brief.name for each in finished]
        files = files_for(names, {name: slug(name) for name in names})
        bound = [Bound(file, each.chapter) for file, each in zip(files, finished, strict=True)]
        for each, held in zip(finished, bound, strict=True):
            chapter = each.chapter
            drawings = render_diagrams(chapter.plan, chapter.parts, cache_dir() / "diagrams")
            page = chapter_html(chapter, library, each.made.as_dict(), drawings, book="index.html")
            folders.write_whole(out / held.file, page.encode())
        folders.write_whole(out / "search.html", search_html(bound).encode())
        folders.write_whole(out / "index.html", index_html(bound).encode())
    return out / "index.html"
