"""Coverage: what an office says it published (WIPO ST.37) against what is held; gaps by number."""
