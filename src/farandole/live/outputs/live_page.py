"""The text of the live page, and the first message that it gets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from farandole.view.html_templates import rendered
from farandole.view.page import body_description, page_script

if TYPE_CHECKING:
    from farandole.live.live import Live
    from farandole.live.outputs.vrm_pose import VrmPoser

VERSION = 1
"""Version of the messages; `web/src/live/main.ts` reads the same."""


def hello_message(live: Live, poser: VrmPoser, character: bool) -> str:
    """What a page must know before frames come."""
    return json.dumps(
        {
            "version": VERSION,
            "fps": live.fps,
            "styles": list(live.styles),
            "bones": list(poser.rig.bones),
            "character": character,
            **body_description(live.skeleton),
        }
    )


def live_page_html() -> tuple[str, str]:
    """The page, and its content security policy. It loads nothing from anywhere but its own server.

    Raises:
        OutputError: If its script was not built, which happens only in a source tree that was never installed.
    """
    from markupsafe import Markup

    script, digest = page_script("live")
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data: blob:; "
        "connect-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return rendered("live.html", script=Markup(script)), policy
