"""How the cache's file is laid out."""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION", "FORMAT", "PAGE_BYTES", "SCHEMA", "TABLES"]

APPLICATION: Final = 0x47545443  # "GTTC"
FORMAT: Final = 2

# A hearing is some 2.5 KB: pages of 4 KB would hold one each, and waste the rest.
PAGE_BYTES: Final = 16 << 10

# Names and paths are bytes: not all of them are text. An audio is what one or several files
# hold; two of them may have the same key (see audio_key). The place of a
# vector is the number of its space and, in the 40 bits below that, of its audio.
SCHEMA: Final = f"""
BEGIN;
CREATE TABLE listening (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    used REAL NOT NULL
);
CREATE TABLE audio (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB,
    used INTEGER NOT NULL
);
CREATE INDEX audio_of_key ON audio (key) WHERE key IS NOT NULL;
CREATE TABLE folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL UNIQUE,
    disk INTEGER
);
CREATE TABLE file (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    folder INTEGER NOT NULL,
    name BLOB NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    audio INTEGER,
    settled BLOB,
    status TEXT NOT NULL DEFAULT '',
    outcome TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    genre TEXT NOT NULL DEFAULT '',
    cluster TEXT,
    duration_s REAL NOT NULL DEFAULT 0,
    UNIQUE (folder, name)
);
CREATE INDEX file_of_audio ON file (audio) WHERE audio IS NOT NULL;
CREATE TABLE report (
    file INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);
CREATE TABLE problem (
    file INTEGER PRIMARY KEY,
    listening INTEGER NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    since REAL NOT NULL,
    times INTEGER NOT NULL
);
CREATE TABLE hearing (
    id INTEGER PRIMARY KEY,
    audio INTEGER NOT NULL,
    listening INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (audio, listening)
);
CREATE TABLE space (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    digest BLOB NOT NULL UNIQUE,
    used REAL NOT NULL,
    body BLOB NOT NULL
);
CREATE TABLE vector (
    place INTEGER PRIMARY KEY,
    body BLOB NOT NULL
);
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
COMMIT;
"""

TABLES: Final = (
    "listening",
    "audio",
    "folder",
    "file",
    "report",
    "problem",
    "hearing",
    "space",
    "vector",
)
