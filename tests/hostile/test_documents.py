"""The short form of `python -m tests.hostile`."""

from tests.hostile import campaign


def test_hostile_documents_stay_text() -> None:
    """Each string comes back from Terraform and hcl2 as it went in; nothing else of it reaches anything."""
    findings = campaign.run(100, seed=1)
    assert findings.wrong == []
    assert findings.documents == 100
    assert findings.generated == 25
