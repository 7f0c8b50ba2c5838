"""What a service does with what it is sent, by the tier that is used: the facts, and whether a policy allows them."""

from dataclasses import dataclass
from typing import Literal

DataPolicy = Literal["any", "no_training", "no_retention"]
"""What the user allows; `no_retention` asks for no training too."""

Answer = Literal["no", "yes", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUse:
    """Facts from a service's own words; `unknown` counts as the worst."""

    trains: Answer = "unknown"
    """Whether prompts and answers are used to train or improve models; where an account's switch decides, as it
    stands for a new account."""
    keeps: Answer = "unknown"
    """Whether they are kept beyond the answer, for abuse checks too."""
    words: str = ""
    """How long and where, in a few words."""
    source: str = ""
    """The page that says so."""
    seen: str = ""
    """The month for which that is known; the pages were not opened for this version."""

    def allowed_by(self, policy: DataPolicy) -> bool:
        """Whether the service may be sent anything under that policy."""
        if policy == "any":
            return True
        return self.trains == "no" and (policy == "no_training" or self.keeps == "no")

    def told(self) -> str:
        """For people: `trains on prompts; kept 30 days (…)`."""
        trains = {
            "no": "does not train on prompts",
            "yes": "may train on prompts",
            "unknown": "may train on prompts (unknown)",
        }
        keeps = {"no": "keeps none", "yes": "keeps them", "unknown": "how long it keeps them is unknown"}
        return f"{trains[self.trains]}, {self.words or keeps[self.keeps]}"


UNKNOWN = DataUse()
