"""A witness of transparency logs (c2sp.org/tlog-witness), for an office that is not the log's.

It stands alone: no database, no settings and no key of the evidence server.  It remembers the
newest checkpoint of each log that it was told to watch, cosigns only what provably extends it,
and so cannot be brought to confirm two histories.
"""
