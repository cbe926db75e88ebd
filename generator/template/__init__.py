"""The template reader: a file of Azure VM Image Builder's format → a checked model, or every problem at its place.

Cheap to import: pydantic comes in when a template is read, httpx when something is downloaded.
"""

from generator.template.fetch import Sources, fetch_all
from generator.template.reader import Read, problems_of, read, read_bytes

__all__ = ["Read", "Sources", "fetch_all", "problems_of", "read", "read_bytes"]
