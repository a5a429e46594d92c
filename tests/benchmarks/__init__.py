"""Commands that measure and study; each says what it does with ``--help``."""
