"""Services on loopback that fail: every kind of fault, in each service's own words, with each byte in hand.

`kinds.FAULTS` is the table, `refusals.REFUSALS` the bodies of whole responses, `stand_in.faulty` the server that plays
one of them, and `cli.CLI_FAULTS` the same for programs.
"""
