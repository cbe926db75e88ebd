"""The table of settings for the README."""

from generator.settings.table import Trust, default_of, table

PLACES = {
    Trust.NOWHERE: "no",
    Trust.TEMPLATE: "for templates",
    Trust.ANYWHERE: "yes",
}


def markdown() -> str:
    """A row for each setting: its name, flag, default, what it decides, its scope and whether a project may set it."""
    rows = ["| setting | flag | default | what it decides | scope | in a project's file |", "|---|---|---|---|---|---|"]
    for name, one in table().items():
        flag = f"`{one.flag}`" if one.flag else ""
        value = default_of(name)
        shown = "" if value in ("", (), None, False) else f"`{one.kind.show(value)}`"
        if name.endswith("_dir"):
            shown = "XDG"
        rows.append(f"| `{name}` | {flag} | {shown} | {one.about} | {one.scope} | {PLACES[one.trust]} |")
    return "\n".join(rows) + "\n"
