"""Many chapters as one folder of pages: an index by system, trait, decision and term, and a search from files."""
