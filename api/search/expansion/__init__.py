"""From a query in one language to the same concepts in others: terms that are shown and can be edited.

`lexicon/*.tsv` is the seed: one file a field of technology, one row a concept, one column a language, `|` between
synonyms, the usual term first. `recognise` finds the concepts of a query, `expand` chooses their terms, `compiling`
makes the engine's query of them. Nothing here sees a record or a caller.
"""
