"""Trains a model on puzzles made on the fly.

    python train.py FOLDER [--pictures N] [--reading N] [--batch N] …

FOLDER gets last.pt (everything that is needed to go on), best.pt (the weights that solved most), train.csv, eval.csv and
curves.png. The same command goes on where last.pt ends: the state of the optimizer, the place in the schedule and in
the data are those of a run that was never interrupted.

Two stages share one schedule. First the eye alone learns to read cells (`--reading` pictures); then eye and decoder learn
to say chains, with the reading of cells as a second loss.
"""

import argparse
import csv
import json
import math
import os
import signal
import time
from pathlib import Path

import attention
import numpy
import tokenizer as tokens
import torch
from curves import READ_COLUMNS, draw
from data import GROUP, Batches, normalized, pixels_of, training_puzzle
from evaluate import evaluate
from model import Sizes, Trainee, doubt_loss, grown, parameters, reading_accuracy, reading_loss, whiten
from muon import Muon
from packs import pack
from tasks import TASKS, sampled
from torch.nn import functional

TRAIN_COLUMNS = ["step", "pictures", "stage", "rate", "loss", "text_loss", "reading_loss", "token_accuracy", "verdict_accuracy"]
# What the heads that doubt tell right: tokens that are mistakes, those that are not, and the ends of wrong and of right steps.
DOUBTS = ["mistake", "fact", "wrong_step", "right_step"]
PARTS = ["token", "verdict", *DOUBTS]
TRAIN_COLUMNS += [f"{name}_accuracy" for name in DOUBTS]
# How much more what is wrong counts: single tokens are rare, what comes behind them in a step is not.
MISTAKE, SPOILT = 5.0, 2.0
# What of the model is the eye, and the heads that supervise it.
EYE = ["vision_model.", "connector.", "readers.", "reader_norm."]


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=240_000, help="pictures of the second stage")
    parser.add_argument("--reading", type=int, default=40_000, help="pictures of the first stage")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=8e-4, help="the highest learning rate")
    parser.add_argument("--decay", type=float, default=0.05, help="the decay of matrices")
    parser.add_argument("--reading-weight", type=float, default=0.3, help="of the reading of cells in the second stage")
    parser.add_argument("--doubt-weight", type=float, default=0.5, help="of telling which tokens and steps are wrong")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--precision", choices=["auto", "float32", "bfloat16"], default="auto")
    parser.add_argument("--minutes", type=float, default=10, help="between checkpoints")
    parser.add_argument("--task", choices=sorted(TASKS), default="base", help="what the texts teach")
    parser.add_argument("--chains", type=Path, help="what a model said, with labels (sampled.py); for seat and cas-seat")
    parser.add_argument("--blind", type=int, default=0, help=f"of {GROUP} batches, those that reason from captions alone")
    parser.add_argument("--drills", type=int, default=0, help=f"of {GROUP} batches, those of exercises in looking up")
    parser.add_argument("--pages", type=int, default=0, help=f"of {GROUP} batches, those of pages for the eye alone")
    parser.add_argument("--frozen", action="store_true", help="leave the eye as it is")
    parser.add_argument("--begin", type=Path, help="a checkpoint whose weights a new run begins with")
    parser.add_argument("--eye", action="store_true", help="of --begin take the eye alone; the decoder and the tokenizer begin anew")
    parser.add_argument("--stop-after", type=int, help="stop at this step, as if interrupted")
    for name, value in vars(Sizes()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    arguments = parser.parse_args()
    if min(arguments.blind, arguments.drills, arguments.pages) < 0 or arguments.blind + arguments.drills + arguments.pages > GROUP:
        parser.error(f"--blind, --drills and --pages are shares of {GROUP} batches; together they are more, or one is below 0")
    if arguments.eye and not arguments.begin:
        parser.error("--eye takes the eye of a checkpoint; name it with --begin")
    return arguments


def device_and_precision(wanted):
    """A GPU computes in bfloat16 under autocast; so does a CPU that has instructions for it, without them it crawls."""
    if torch.cuda.is_available():
        return torch.device("cuda"), torch.float32 if wanted == "float32" else torch.bfloat16
    has_bfloat16 = torch.backends.cpu.get_cpu_capability() in ("AVX512_BF16", "AMX") or any(
        getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    )
    is_half = wanted == "bfloat16" or (wanted == "auto" and has_bfloat16)
    return torch.device("cpu"), torch.bfloat16 if is_half else torch.float32


class Schedule:
    """The learning rate: a cosine over all steps, and a rise at the beginning of each stage."""

    def __init__(self, highest, reading_steps, steps, rise=40):
        self.highest, self.reading_steps, self.steps, self.rise = highest, reading_steps, steps, rise

    def __call__(self, step):
        since = step - self.reading_steps if step >= self.reading_steps else step
        rise = min(1, (since + 1) / self.rise)
        return self.highest * rise * (0.02 + 0.98 * (1 + math.cos(math.pi * step / self.steps)) / 2)


def optimizers_of(trainee, decay, precision=torch.float32):
    """Muon for the matrices of layers, AdamW without decay for embeddings, heads, gains and biases."""
    matrices, others = [], []
    for name, weight in trainee.named_parameters():
        is_matrix = ".layers." in name and weight.ndim == 2
        (matrices if is_matrix or "modality_projection" in name else others).append(weight)
    plain = torch.optim.AdamW(others, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.0, fused=True)
    return [Muon(matrices, weight_decay=decay, precision=precision), plain]


class Table:
    """A CSV file that loses the rows after a checkpoint when a run goes on from there."""

    def __init__(self, path, columns, last_step):
        rows = []
        if path.exists():
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if int(row["step"]) <= last_step]
        self.path, self.columns = path, columns
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)

    def add(self, row):
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns).writerow(row)


def save(path, content):
    """Writes a file that is whole or not there."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    partial.replace(path)


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.folder = arguments.folder
        self.folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(arguments.seed)
        torch.set_num_threads(arguments.threads)
        # Weights and moments near zero would slow every operation down.
        torch.set_flush_denormal(True)
        self.device, self.precision = device_and_precision(arguments.precision)
        file = self.folder / "tokenizer.json"
        if not file.exists() and arguments.begin and not arguments.eye:
            file.write_text(torch.load(arguments.begin, map_location="cpu", weights_only=True)["tokenizer"])
        elif not file.exists():
            tokens.train().backend_tokenizer.save(str(file))
        self.tokenizer = tokens.load(file)
        (self.end_of_line,) = self.tokenizer("\n")["input_ids"]
        sizes = Sizes(**{name: getattr(arguments, name) for name in vars(Sizes())})
        self.trainee = Trainee(sizes, self.tokenizer).to(self.device)
        if self.device.type == "cpu" and self.precision == torch.bfloat16:
            self.trainee.model.set_attn_implementation(attention.NAME)
        self.optimizers = optimizers_of(self.trainee, arguments.decay, self.precision)
        group = arguments.batch * GROUP
        self.reading_groups = arguments.reading // group
        self.groups = self.reading_groups + arguments.pictures // group
        self.steps = self.groups * GROUP
        self.schedule = Schedule(arguments.rate, self.reading_groups * GROUP, self.steps)
        self.step, self.best, self.seconds = 0, -1.0, 0.0
        self.is_stopping = False
        self.resume()
        last = self.step
        self.train_table = Table(
            self.folder / "train.csv", TRAIN_COLUMNS + READ_COLUMNS + ["pictures_per_second", "seconds"], last
        )
        self.eval_table = Table(self.folder / "eval.csv", ["step", "pictures", "kind", "solved", "seen", "count"], last)

    # Checkpoints

    def state(self):
        """What a run depends on beside its arguments' names of places and machines."""
        data = ["pictures", "reading", "batch", "seed", "task", "blind", "pages", "drills"]
        kept = [*data, "rate", "decay", "reading_weight", "doubt_weight", "frozen", *vars(Sizes())]
        return {
            "arguments": {name: getattr(self.arguments, name) for name in kept},
            "tokenizer": self.tokenizer.backend_tokenizer.to_str(),
            "trainee": self.trainee.state_dict(),
            "step": self.step,
            "best": self.best,
        }

    def resume(self):
        file = self.folder / "last.pt"
        if not file.exists():
            return self.begin()
        kept = torch.load(file, map_location=self.device, weights_only=True)
        now = self.state()
        changed = [name for name in kept["arguments"] if kept["arguments"][name] != now["arguments"][name]]
        if changed or kept["tokenizer"] != now["tokenizer"]:
            raise SystemExit(
                f"{file} was made with other arguments ({', '.join(changed) or 'another tokenizer'}); "
                "use the same or another folder"
            )
        self.trainee.load_state_dict(kept["trainee"])
        for optimizer, state in zip(self.optimizers, kept["optimizers"]):
            optimizer.load_state_dict(state)
        self.step, self.best, self.seconds = kept["step"], kept["best"], kept["seconds"]
        torch.set_rng_state(kept["random"].cpu())

    def begin(self):
        if self.arguments.begin:
            kept = torch.load(self.arguments.begin, map_location=self.device, weights_only=True)
            weights = kept["trainee"]
            if self.arguments.eye:
                weights = {name: weight for name, weight in weights.items() if any(part in name for part in EYE)}
            self.trainee.load_state_dict(grown(weights, self.trainee))
        else:
            pictures = [pixels_of(training_puzzle(self.arguments.seed, index, "scatter")[0]) for index in range(64)]
            whiten(self.trainee, normalized(torch.from_numpy(numpy.stack(pictures))))

    def checkpoint(self):
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        extra = {"optimizers": optimizers, "seconds": self.seconds, "random": torch.get_rng_state()}
        save(self.folder / "last.pt", self.state() | extra)

    def report(self):
        """Solves fresh puzzles, keeps the weights if they are the best so far, and draws the curves."""
        if self.step <= self.schedule.reading_steps:
            return
        prompts = pack("seat" if self.arguments.task == "seat" else "cas-seat")
        results, details = evaluate(self.trainee, self.tokenizer, asked=prompts.asked)
        pictures = self.step * self.arguments.batch
        for kind, (solved, seen, count) in results.items():
            self.eval_table.add(
                {"step": self.step, "pictures": pictures, "kind": kind, "solved": solved, "seen": seen, "count": count}
            )
        share = sum(solved for solved, _, _ in results.values()) / sum(count for *_, count in results.values())
        if share >= self.best:
            self.best = share
            save(self.folder / "best.pt", self.state())
        example = details[self.step // GROUP % len(details)]
        print(f"step {self.step}: solved {share:.0%}; {example[0].kind}, expected {example[0].answer}:\n{example[1]}")

    # Training

    def losses(self, batch):
        """The losses of reading and of the text (doubts included), and what was right, of one batch."""
        features = reading = None
        accuracy = {name: (0, 0) for name in READ_COLUMNS}
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            if "pixels" in batch:
                labels = batch["labels"].to(self.device)
                with torch.set_grad_enabled(not self.arguments.frozen):
                    features = self.trainee.see(normalized(batch["pixels"].to(self.device)))
                read = self.trainee.read(features)
                reading = reading_loss(read, labels)
                accuracy = reading_accuracy(read, labels)
            if "ids" not in batch:
                return reading, None, accuracy, {name: (0, 0) for name in PARTS}
            text = {name: batch[name].to(self.device) for name in batch if name not in ("pixels", "labels")}
            is_learnt = text["weights"] > 0
            states = self.trainee.follow(features, text)
            logits = self.trainee.say(states, text).float()
            wanted, weights = text["ids"][is_learnt], text["weights"][is_learnt]
            losses = functional.cross_entropy(logits, wanted, reduction="none")
            loss = (losses * weights).sum() / weights.sum()
            is_known = text["wrong"] >= 0
            is_wrong, is_spoilt = (text[name][is_known] > 0 for name in ("wrong", "spoilt"))
            doubts, collected = self.trainee.doubt(states, text)
            if len(doubts):
                doubt = doubt_loss(doubts, is_wrong, MISTAKE) + doubt_loss(collected, is_spoilt, SPOILT)
                loss = loss + self.arguments.doubt_weight * doubt
        is_right, is_told = logits.argmax(-1) == wanted, (doubts > 0) == is_wrong
        is_end = text["ids"][is_known] == self.end_of_line
        is_found = (collected > 0) == is_spoilt
        # Nothing but verdicts counts more than 1.
        parts = [is_right, is_right[weights > 1], is_told[is_wrong], is_told[~is_wrong]]
        parts = dict(zip(PARTS, parts + [is_found[is_end & is_spoilt], is_found[is_end & ~is_spoilt]]))
        return reading, loss, accuracy, {name: (int(part.sum()), part.numel()) for name, part in parts.items()}

    def update(self, batch):
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = self.schedule(self.step)
        reading, text, read, said = self.losses(batch)
        loss = reading if text is None else text if reading is None else text + self.arguments.reading_weight * reading
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trainee.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        numbers = [math.nan if value is None else value.item() for value in (loss, reading, text)]
        return *numbers, read, said

    def train(self, every=40):
        group = self.step // GROUP
        chains = self.arguments.chains and sampled(map(json.loads, self.arguments.chains.read_text().splitlines()))
        data = Batches(
            self.tokenizer,
            self.arguments.seed,
            self.arguments.batch,
            self.reading_groups,
            self.groups,
            self.arguments.task,
            chains,
            self.arguments.blind,
            self.arguments.pages,
            self.arguments.drills,
        )
        loader = torch.utils.data.DataLoader(
            data,
            batch_size=None,
            sampler=range(group, self.groups),
            num_workers=1 if self.device.type == "cpu" else max(1, (os.cpu_count() or 2) - 2),
            prefetch_factor=2,
            multiprocessing_context="spawn",
        )
        self.trainee.train()
        saved = logged = time.monotonic()
        window = []
        for batches in loader:
            for batch in batches[self.step % GROUP :]:
                window.append(self.update(batch))
                now = time.monotonic()
                if len(window) >= every:
                    self.log(window, now - logged)
                    window, logged = [], now
                if self.step == self.arguments.stop_after or self.is_stopping:
                    return self.checkpoint()
                if now - saved > 60 * self.arguments.minutes:
                    self.report()
                    self.checkpoint()
                    saved = logged = time.monotonic()
                    window = []
                    draw([self.folder], self.folder / "curves.png")
        self.report()
        self.checkpoint()
        draw([self.folder], self.folder / "curves.png")

    def log(self, window, seconds):
        self.seconds += seconds
        count = len(window)
        seen, text = ([row[column] for row in window if not math.isnan(row[column])] for column in (1, 2))
        read = {name: [sum(row[3][name][side] for row in window) for side in (0, 1)] for name in READ_COLUMNS}
        said = {name: [sum(row[4][name][side] for row in window) for side in (0, 1)] for name in PARTS}
        row = {
            "step": self.step,
            "pictures": self.step * self.arguments.batch,
            "stage": "chains" if text else "reading",
            "rate": f"{self.schedule(self.step - 1):.3g}",
            "loss": f"{sum(row[0] for row in window) / count:.4f}",
            "reading_loss": f"{sum(seen) / len(seen):.4f}" if seen else "",
            "text_loss": f"{sum(text) / len(text):.4f}" if text else "",
        }
        row |= {f"{name}_accuracy": f"{right / all_:.4f}" if all_ else "" for name, (right, all_) in said.items()}
        row |= {
            "pictures_per_second": f"{count * self.arguments.batch / seconds:.1f}",
            "seconds": f"{self.seconds:.0f}",
        }
        self.train_table.add(row | {name: f"{right / max(1, all_):.3f}" for name, (right, all_) in read.items()})


def main():
    run = Run(options())

    def stop(*_):
        run.is_stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(
        f"{parameters(run.trainee.model) / 1e6:.2f} M parameters, {run.device.type}, {run.precision}, "
        f"{run.steps} steps of {run.arguments.batch}, beginning with {run.step}",
        flush=True,
    )
    run.train()


if __name__ == "__main__":
    main()
