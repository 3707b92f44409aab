"""A chapter as a book for readers of books. Knows how EPUB 3 packs files, and takes its texts from `html`."""
