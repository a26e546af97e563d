"""The transparency log's formats: RFC 6962 hashing and the C2SP tlog family.

Pure: no clock, no network, no files. Server, witness, SDK and verifier share it.
"""
