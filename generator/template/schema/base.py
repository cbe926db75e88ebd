"""What all parts of the format have in common."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator
from pydantic.alias_generators import to_camel


class Section(BaseModel):
    """An object of the format: names as Azure writes them (camelCase), unknown ones refused, never changed.

    A null counts as absent: exported templates have one for every value that was not set.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        validate_by_name=True,  # for code; a template is read with by_name=False
        validate_by_alias=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            return {key: item for key, item in value.items() if item is not None}
        return value


# A JSON array becomes a tuple, so that what was read cannot be changed.
Strings = Annotated[tuple[str, ...], Strict(False)]
Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Count = Annotated[int, Field(ge=0, lt=2**31)]
Integers = Annotated[tuple[Int32, ...], Strict(False)]
Tags = dict[str, str]
State = Literal["Enabled", "Disabled"]


class Switch(Section):
    """`{"state": "Enabled"}`; absent is Disabled."""

    state: State = "Disabled"
