"""The `concord` command: one module a group of commands. The only room besides tests that may import all the others."""
