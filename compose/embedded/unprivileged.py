"""Lets root run servers that refuse to run as root, in a user namespace where root bears another number."""

from __future__ import annotations

import os
import pwd
import shutil

from common.errors import EngineError

FALLBACK_ID = 1000


def command_prefix() -> list[str]:
    """What to put before a server's command: nothing for ordinary users, `unshare …` for root.

    Inside, root is seen as an ordinary user that the password file knows (initdb asks for the name), while files
    stay root's outside. The same helps a user whom the password file does not know, as containers often have.
    """
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return []
    unshare = shutil.which("unshare")
    if unshare is None:
        raise EngineError(
            "Running as root or as a user without a name, and the program `unshare` (package util-linux) is not there "
            "to run the engines as an ordinary user.",
            remedy="Install util-linux, or run as an ordinary user.",
        )
    user = next((entry for entry in pwd.getpwall() if entry.pw_name == "nobody"), None)
    uid, gid = (user.pw_uid, user.pw_gid) if user else (FALLBACK_ID, FALLBACK_ID)
    return [unshare, "--user", f"--map-user={uid}", f"--map-group={gid}", "--"]


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
