"""Processes that treat files: each file in one of them, so that no file can harm the service or another file.

A process of its own per worker, spoken to over its standard input and output. Compared with a pool of the standard
library: when one dies, only it dies, and it is known over which file; one that takes too long is ended and not merely
given up; and what it answers is JSON and bytes, never a pickle, since it has read what strangers made.
"""
