"""Checks this machine for genie by trying things out, and names the command that fixes each problem.

Checked are versions, device, memory, precision, attention kernels, the bundled models, the model cache and disk space.
Nothing is downloaded, no files are left behind, and no secret is shown.
"""

from __future__ import annotations

from pathlib import Path

from genie_cli.doctor.disk import disk
from genie_cli.doctor.finding import Finding
from genie_cli.doctor.hardware import hardware
from genie_cli.doctor.models import bundled, cache
from genie_cli.doctor.packages import PACKAGES, packages


def examine(out: Path) -> list[Finding]:
    """Run all checks, in the order of the areas. Takes a few seconds, in which torch is imported.

    Args:
        out: folder in which images are to be written; need not exist, and is not created.
    """
    findings = [*packages()]
    loaded = {finding.name for finding in findings if finding.ok}
    if "torch" in loaded:
        findings += hardware()
    findings += bundled(whole=loaded.issuperset(PACKAGES))
    if "huggingface_hub" in loaded:
        findings += cache()
    findings.append(disk("output", out, "genie generate --out /path/on/another/disk"))
    return findings
