"""Pictures of records: found in a delivery, decoded within bounds, described so that like ones can be found.

`gallery` ties a record's references to the files of its delivery; `decode` is the only module that opens a picture;
`describe` makes the numbers that pictures are compared by. The bytes themselves are in the archive.
"""
