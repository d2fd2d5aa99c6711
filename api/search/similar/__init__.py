"""What is like something given: a record, a passage of text, a word mark, a picture.

Candidates come from the engine, narrowed to what the caller sees; they are compared here, part by part, and every hit
says why it is there. Tables for people to edit: `tables/`. Described in docs/similar.md.
"""
