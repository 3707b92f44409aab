"""chapter-offline: complete system design chapters, written on your own machine.

The package is a row of rooms, each with one subject; data flows from left to right through them:
catalog and engine (models), knowledge and sizing (what is known and what it comes to), chapter
(one chapter's plan), writing (plan and engine together), output (files), cli (the command line).
"""

__version__ = "0.1.0"
