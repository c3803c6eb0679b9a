"""`farandole doctor`: whether everything that farandole needs is here and works."""

from __future__ import annotations

from farandole.cli import console
from farandole.cli.options import Json, Quiet

MARKS = {"good": "ok", "absent": "--", "bad": "!!"}


def doctor(json: Json = False, quiet: Quiet = False) -> int:
    """Look over this installation: versions, engines, devices, sound, models, places to write.

    Everything is tried, nothing is changed. Marks: ok; -- something that not everybody needs is not there; !! farandole
    cannot do its work like this. The exit code is 1 if there is one of these. With --quiet only they are printed.

    \b
    farandole doctor
    farandole doctor --json
    """
    from farandole.doctor import installed, trials

    findings = [*installed.machine(), *installed.packages(), *installed.engines(), *trials.trials()]
    bad = [f for f in findings if f.state == "bad"]
    if json:
        told = [{"about": f.about, "state": f.state, "text": f.text, **f.facts} for f in findings]
        console.result_json({"well": not bad, "findings": told})
        return 1 if bad else 0
    width = max(len(f.about) for f in findings)
    for finding in bad if quiet else findings:
        console.result(f"{MARKS[finding.state]}  {finding.about:{width}}  {finding.text}")
    console.note(f"{len(bad)} things are wrong" if bad else "all is well", quiet=quiet)
    return 1 if bad else 0
