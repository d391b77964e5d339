"""Passwords, as Argon2id hashes: the one place that knows the algorithm and what it costs.

The parameters are the least that OWASP asks for, 19 MiB and 2 passes:
https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
"""

import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB = 19 * 1024
PASSES = 2
MIN_LENGTH = 8
MAX_LENGTH = 128
"""In characters. NIST asks for 8 at least and for 64 to be possible; more than this is no password:
https://pages.nist.gov/800-63-4/sp800-63b.html#passwordver"""


class Passwords:
    """Hashes passwords and checks them, each in tens of milliseconds."""

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(passes, memory_kib, parallelism=1, type=Type.ID)
        # What the password of nobody is compared with.
        self._nobodys_hash = self._hasher.hash("")

    def hash(self, password: str) -> str:
        """Returns the hash to keep, with its parameters and a salt of its own in it."""
        return self._hasher.hash(_comparable(password))

    def is_right(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password of the hash.

        It takes as long where there is no hash: time does not tell whether somebody has an account.
        """
        try:
            self._hasher.verify(password_hash or self._nobodys_hash, _comparable(password))
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than ours."""
        return self._hasher.check_needs_rehash(password_hash)


def _comparable(password: str) -> str:
    """The same characters are not the same bytes on every keyboard."""
    return unicodedata.normalize("NFKC", password)
