"""The prompts of self-evaluation: the files in prompts/, which the engine reads too."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "prompts"


@dataclass(frozen=True)
class Pack:
    """What of a pack of prompts the training needs."""

    reason: str
    evaluate: str
    evaluate_chain: str
    reflect: str
    refine: str
    rework: str
    answer: str
    positive: str
    negative: str
    markers: dict[str, str]

    def asked(self, question):
        return self.reason.replace("{question}", question)

    def judged(self, mistake, is_right):
        """An evaluation as it stands beside a step."""
        verdict = self.markers["accept" if is_right else "refine"]
        return f"{self.markers['start']} {mistake} {self.markers['verdict']} {verdict} {self.markers['end']}"


@lru_cache
def pack(name):
    file = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    words = file["verdict"]
    options = f"{words['positive']} or {words['negative']}"
    texts = {key: file[key] for key in ("reason", "reflect", "refine", "rework", "answer")}
    texts |= {key: file[key].replace("{options}", options) for key in ("evaluate", "evaluate_chain")}
    return Pack(**texts, **words, markers=file.get("markers", {}))
