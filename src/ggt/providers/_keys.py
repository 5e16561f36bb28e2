"""Keys of paid interfaces: where they come from, and how texts are kept free of them."""

import os
import re

from ggt.providers import Connection, ProviderStopError

_SERVICE = "ggt"
_LONGEST = 500
_NO_KEY = "none"
"""Stands where an SDK insists on a key and the server needs none."""

_SECRETS = re.compile(
    r"""\bsk-[\w*.-]{4,}                        # OpenAI, and many that took its wire over
      | \bAIza[\w*-]{8,} | \bAQ\.[\w*-]{8,}     # Google, old and new
      | \b(?:x-goog-api-key|x-api-key|x-key|api[-_]key|authorization)["']?\s*[:=]\s*["']?
        (?:(?:bearer|basic|key)\s+)?[^\s"',&}]+
      | \b(?:key|token)=[^\s"',&}]+
      | \bbearer\s+[\w.~+/=-]{8,}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_PICTURES = re.compile(r"base64,[\w+/=-]+|[A-Za-z0-9+/=_-]{201,}")


def find_key(variable: str) -> str | None:
    """Read a key from the environment, else from the keyring (service `ggt`, user name = the variable).

    A machine without a keyring, or with a locked one, has no key there.
    """
    stated = os.environ.get(variable, "").strip()
    return stated or _from_keyring(variable)


def missing_key(variable: str) -> str:
    """Say what to do about a key that `find_key` did not find."""
    return f"no key: `export {variable}=...`, or keep it with `keyring set {_SERVICE} {variable}`"


def key_of(connection: Connection, usual_variable: str) -> str:
    """Return the key to send, a placeholder for a server that needs none (`key_variable = ""`).

    Raises:
        ProviderStopError: the key is missing, or holds characters that no header carries.
    """
    variable = connection.model.key_variable
    variable = usual_variable if variable is None else variable
    key = (connection.key or "").strip()
    if not key:
        if variable:
            raise ProviderStopError(missing_key(variable), scope="key")
        return _NO_KEY
    # A line break or an editor's quotation mark would surface deep inside an SDK, in a text that may show the key.
    if not (key.isascii() and key.isprintable()):
        raise ProviderStopError(
            f"the key of {variable} holds a character that no key has: copy it again", scope="key"
        )
    return key


def redacted(text: str, key: str | None) -> str:
    """Take the key, whatever looks like one, and pictures out of a text, and cut it to 500 characters."""
    clean = text.replace(key, "[key]") if key else text
    clean = _SECRETS.sub("[key]", clean)
    clean = _PICTURES.sub("[data]", clean)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"


def _from_keyring(variable: str) -> str | None:
    import keyring  # it looks for backends while it is imported
    from keyring.errors import KeyringError

    try:
        return (keyring.get_password(_SERVICE, variable) or "").strip() or None
    except (KeyringError, OSError):
        return None
