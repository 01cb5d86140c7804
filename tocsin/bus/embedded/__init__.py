"""The bus in one SQLite file: no server, several processes of one machine.

A row of `batch` is one batch of records as columns, packed and compressed; offsets of
a partition are dense. A transaction gathers its batches and rows in memory, packs them
without any lock, and holds the file's write lock only while it commits: a process that
dies or hangs in an open transaction holds back nobody.

The file is in WAL mode with `synchronous=NORMAL`. `kill -9` loses nothing that was
committed. A power loss may take the commits since the last checkpoint (16 MB, or the
last call of `maintain`, ~30 s), but always as a suffix: topics, tables and offsets are
in the same file, so they rewind together. The
files' checkpoints are among the tables: what was rewound is read from the log files
again, and since the consumers' offsets and outputs rewound with it, nothing is lost or
doubled. `synchronous=FULL` would cost an fsync a commit (1-30 ms) and gain only that
the rewound moment is later.
"""
