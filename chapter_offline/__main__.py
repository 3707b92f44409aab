"""`python -m chapter_offline` is the command `chapter-offline`."""

from chapter_offline.cli import main

main()
