"""What stands in a file's tags, what should stand there, and the safe way from one to the other.

``read.read_tags`` → ``policy.decide`` → ``writer.write_changes``. Fields are
declared once (``fields``), each container family has one storage style
(``styles``), and each file format knows how to put its tags back without
touching anything else (``formats``).
"""
