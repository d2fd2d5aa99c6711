"""Readers: from delivered bytes to Drafts, records in the delivery's own words.

    containers.members(path)            folders and archives, one member at a time
    sniff.recognise(signature, FORMATS) which reader knows the content (never the name)
    format.read(stream, context)        Draft | InputError, one for each record, in file order
    wipo_parts, st36_parts, xml         what the readers share
    table.FORMATS                       all readers; a new one is a module of its own and a row there

A reader copies: every number, date, party, text, class, priority, event, relation and image that its format carries,
as written. What it leaves out on purpose stands, with the reason, in its test (`NOT_READ` in tests/formats/).
"""
