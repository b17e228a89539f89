"""How many fresh puzzles a model solves: greedy chains, exact match of the answer."""

import re

import torch
from data import normalized, pixels_of
from puzzles import KINDS, generate
from tokenizer import PAD, prompt_text


def answer_of(chain):
    """What a chain says the answer is, or nothing."""
    found = re.findall(r"The answer is (.*?)\.?\s*$", chain.strip())
    return found[-1] if found else ""


@torch.no_grad()
def chains(trainee, tokenizer, pictures, prompts, longest=400):
    """The chains that a model greedily says to pictures (bytes, [count, 3, side, side]) and prompts."""
    trainee.eval()
    device = next(trainee.parameters()).device
    rows = [tokenizer(prompt_text(prompt))["input_ids"] for prompt in prompts]
    length = max(map(len, rows))
    pad = tokenizer.convert_tokens_to_ids(PAD)
    ids = torch.tensor([[pad] * (length - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in rows], device=device)
    said = trainee.model.generate(
        input_ids=ids,
        attention_mask=mask,
        pixel_values=normalized(pictures.to(device))[:, None],
        max_new_tokens=longest,
        do_sample=False,
    )
    trainee.train()
    return tokenizer.batch_decode(said[:, length:], skip_special_tokens=True)


def evaluate(trainee, tokenizer, per_kind=5, first_seed=0, kinds=KINDS, plain_share=0.4, asked=str):
    """Kind → (solved, captions without a mistake, count) on fresh puzzles, and the chains with their puzzles."""
    results, details = {}, []
    puzzles = [generate(kind, first_seed + seed, plain_share) for kind in kinds for seed in range(per_kind)]
    for start in range(0, len(puzzles), 50):
        part = puzzles[start : start + 50]
        pictures = torch.stack([torch.from_numpy(pixels_of(puzzle, True)) for puzzle in part])
        said = chains(trainee, tokenizer, pictures, [asked(puzzle.prompt) for puzzle in part])
        for puzzle, chain in zip(part, said):
            solved, seen, count = results.get(puzzle.kind, (0, 0, 0))
            is_solved = answer_of(chain) == puzzle.answer
            is_seen = chain.split("\n")[0] == puzzle.caption
            results[puzzle.kind] = (solved + is_solved, seen + is_seen, count + 1)
            details.append((puzzle, chain))
    return results, details
