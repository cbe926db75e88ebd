"""Many hostile documents, and then everything that Terraform and hcl2 have to say about them at once."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from tests.hostile import documents, examine, readers

BATCH = 500  # workspaces that one start of Terraform reads
SAMPLE = 50  # of so many workspaces hcl2, which is slow, reads one main.tf


def run(count: int, seed: int) -> examine.Findings:
    """Examine `count` documents made from a seed. A quarter is right by the format, and becomes a workspace each."""
    findings = examine.Findings()
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        scratch = Path(name)

        def right(document: documents.Hostile) -> None:
            examine.hostile(document, scratch / "right", findings)
            if len(findings.roots) >= BATCH:
                _read_back(findings, scratch)

        _each(documents.hostile(), count // 4, seed, right)
        _read_back(findings, scratch)
        _each(documents.spoiled(), count - count // 4, seed, lambda raw: examine.spoiled(raw, scratch, findings))
    return findings


def _each(strategy: st.SearchStrategy[Any], count: int, seed: int, work: Callable[[Any], None]) -> None:
    """Hand `count` values of a strategy to `work`."""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(strategy)
    def examined(value: Any) -> None:
        work(value)

    examined()


def _read_back(findings: examine.Findings, scratch: Path) -> None:
    """What was written, as Terraform and hcl2 read it; then it is done with."""
    folder = Path(tempfile.mkdtemp(dir=scratch))
    told, quoted = readers.terraform_reads(folder / "values", findings.variables, findings.texts)
    for content, value in zip(findings.variables, told, strict=True):
        meant = readers.as_terraform_keeps(json.loads(content))
        findings.expect(value == meant, f"Terraform reads {value!r:.500} where {meant!r:.500} was meant")
    for text, literal in zip(findings.texts, quoted, strict=True):
        findings.expect(literal == documents.composed(text), f"Terraform reads {text!r} as {literal!r}")
    for text in findings.texts:
        findings.expect(readers.hcl2_reads(text) == text, f"hcl2 reads {text!r} as {readers.hcl2_reads(text)!r}")
    findings.expect(readers.terraform_accepts(folder / "roots", findings.roots), "Terraform would format a main.tf")
    for root in findings.roots[::SAMPLE]:
        calls = readers.hcl2_calls(root.decode())
        findings.expect(readers.OURS.issuperset(calls), f"module calls that are not ours: {calls}")
    findings.variables.clear()
    findings.roots.clear()
    findings.texts.clear()
