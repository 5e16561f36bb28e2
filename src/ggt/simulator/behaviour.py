"""How the simulated provider behaves: faults as data, their rates, delays and limits, all drawn from hashes."""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ggt import plugins
from ggt.errors import UsageError
from ggt.restorers import LocalRestorer
from ggt.simulator.wire import Asked, Kind, WireName

Step = Literal["error", "reset", "refusal", "spoilt", "lost"]
"""error: the vendor's envelope before any work; reset: no byte comes back, no work was done; refusal: worked, but no
output; spoilt: an output with something wrong; lost: an output that was made and does not arrive whole."""

ECHO = "echo"
"""Not a restorer: the picture itself, slightly smoothed, for tests of load."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a fault strikes; `wire` and `kind` None are both."""

    step: Step
    wire: WireName | None = None
    kind: Kind | None = None

    @property
    def billed(self) -> bool:
        """Whether the provider worked before it struck."""
        return self.step not in ("error", "reset")

    def can_strike(self, wire: WireName, kind: Kind) -> bool:
        """Say whether a request of this wire for this kind of answer can meet it."""
        return self.wire in (None, wire) and self.kind in (None, kind)


FAULTS: Mapping[str, Fault] = {
    "rate_limit_minute": Fault("error"),
    "rate_limit_day": Fault("error"),
    "rate_limit_spend": Fault("error"),
    "capacity": Fault("error"),
    "server_error": Fault("error"),
    "overloaded": Fault("error"),
    "refused_prompt": Fault("error"),
    "moderation_blocked": Fault("error", "openai", "image"),
    "connection_reset": Fault("reset"),
    "bare_server_error": Fault("lost"),
    "timeout": Fault("lost"),
    "cut_body": Fault("lost"),
    "no_image": Fault("refusal", "gemini", "image"),
    "image_safety": Fault("refusal", "gemini", "image"),
    "image_prohibited_content": Fault("refusal", "gemini", "image"),
    "image_recitation": Fault("refusal", "gemini", "image"),
    "image_other": Fault("refusal", "gemini", "image"),
    "prohibited_content": Fault("refusal", "gemini"),
    "max_tokens": Fault("refusal", "gemini"),
    "text_instead": Fault("refusal", "gemini", "image"),
    "content_filter": Fault("refusal", "openai", "text"),
    "stop_empty": Fault("refusal"),
    "wrong_mime": Fault("spoilt", kind="image"),
    "reframed": Fault("spoilt", kind="image"),
    "same_as_input": Fault("spoilt", kind="image"),
    "undecodable": Fault("spoilt", kind="image"),
    "bad_json": Fault("spoilt", kind="text"),
    "truncated_json": Fault("spoilt", kind="text"),
}


class Behaviour(BaseModel):
    """What is asked of the simulator; a TOML file replaces single keys, the table `faults` as a whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    faults: dict[str, float] = Field(default_factory=dict[str, float])
    """Name -> share of the requests that can meet it, 0 to 1."""
    restorer: str = "classical"
    """A local restorer, or `echo`."""
    planted: dict[str, float] = Field(default_factory=dict[str, float])
    """What a restorer that returns the truth plants instead of the rates of `simulated`: a fault's name -> rate."""
    release: str = ""
    """Ends the version that comes back: another one is a new release of the model."""
    delay_s: tuple[float, float] = (0.0, 0.0)
    """Shortest and longest time from arrival to answer."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    most_under_way: int | None = Field(default=None, ge=1)
    retry_after_s: float = Field(default=1.0, ge=0)
    """The delay that errors for rate limits and capacity ask for."""

    @field_validator("faults", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {str(name).lower(): rate for name, rate in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - TOML

    @model_validator(mode="after")
    def _check(self) -> "Behaviour":
        _check_rates(self.faults, known=sorted(FAULTS))
        _check_rates(self.planted, known=plugins.names("faults"))
        groups: list[tuple[WireName, Kind]] = [
            ("gemini", "image"),
            ("gemini", "text"),
            ("openai", "image"),
            ("openai", "text"),
        ]
        for wire, kind in groups:
            total = sum(
                rate for name, rate in self.faults.items() if FAULTS[name].can_strike(wire, kind)
            )
            if total > 1 + 1e-9:
                raise ValueError(f"rates for {kind} over {wire} add up to {total:g}, above 1")
        if sum(self.planted.values()) > 1 + 1e-9:
            raise ValueError(f"planted rates add up to {sum(self.planted.values()):g}, above 1")
        if not 0 <= self.delay_s[0] <= self.delay_s[1]:
            raise ValueError(f"delays {self.delay_s} are not from short to long")
        return self


def changed(behaviour: Behaviour, toml: str) -> Behaviour:
    """Lay a TOML text over a behaviour.

    Raises:
        UsageError: no TOML, an unknown key or fault, a rate that is none.
    """
    try:
        return merged(behaviour, tomllib.loads(toml))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the behaviour is not TOML: {error}") from None


def merged(behaviour: Behaviour, changes: Mapping[str, object]) -> Behaviour:
    """Replace single keys.

    Raises:
        UsageError: an unknown key or fault, a rate that is none.
    """
    try:
        return Behaviour.model_validate(behaviour.model_dump() | dict(changes))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"behaviour of the simulated provider: {where} {first['msg']}") from None


def check_restorer(behaviour: Behaviour, *, has_truths: bool) -> None:
    """Check that the restorer runs here and has what it needs.

    Raises:
        UsageError: there is no such local restorer, or it returns truths and there are none.
    """
    if behaviour.restorer == ECHO:
        return
    restorer = plugins.load("restorers", behaviour.restorer, LocalRestorer)
    if restorer.needs_truth and not has_truths:
        raise UsageError(
            f"restorer {behaviour.restorer!r} returns known truths: name a folder that `ggt degrade` made with --truths"
        )


def unit(*parts: object) -> float:
    """Draw a number from 0 up to 1 that hangs on nothing but these values."""
    return number(*parts) / 2**64


def number(*parts: object) -> int:
    """Draw a number of 64 bits that hangs on nothing but these values."""
    text = json.dumps(parts, sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def draw_fault(behaviour: Behaviour, asked: Asked, draw: float) -> str | None:
    """Choose the fault of a request; `draw` is 0 up to 1. Those that it cannot meet take no room."""
    rates = {
        name: behaviour.faults[name]
        for name in FAULTS
        if name in behaviour.faults and FAULTS[name].can_strike(asked.wire, asked.kind)
    }
    for name, bound in zip(rates, accumulate(rates.values()), strict=True):
        if draw < bound:
            return name
    return None


def _check_rates(rates: Mapping[str, float], *, known: list[str]) -> None:
    for name, rate in rates.items():
        if name not in known:
            raise ValueError(f"{name!r} is no fault; known: {', '.join(known)}")
        if not 0 <= rate <= 1:
            raise ValueError(f"the rate of {name} is {rate}, not 0 to 1")
