"""How word marks sound and look: computed once at load for the index, and again to compare what a search found.

Tables, for people to edit: `pronunciations.tsv`, `scripts.tsv`, `looks.tsv`.
"""
