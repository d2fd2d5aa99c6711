"""Which records are the same publication, mark, design or work, and how others belong together.

The way of a pair: `keys` and `blocking` bring records together; `rules` says what follows from numbers, kinds and
dates alone; what no rule decides is compared (`compare`), scored (`model`) and put before people. `ledger` keeps what
they decide; `clusters` is computed from it again each time; `golden` shows a cluster as one record.
"""
